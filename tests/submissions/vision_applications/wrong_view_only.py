# family: shape, numerics
# mistake: The image is reshaped without moving the patch axes together, so a patch is a run of pixels of one row.
def patchify(images, patch_size):
    b, c, h, w = images.shape
    if h % patch_size or w % patch_size:
        raise ValueError("not divisible")
    n = (h // patch_size) * (w // patch_size)
    return images.reshape(b, n, c * patch_size ** 2)


def unpatchify(patches, patch_size, channels, height, width):
    if height % patch_size or width % patch_size:
        raise ValueError("not divisible")
    return patches.reshape(len(patches), channels, height, width)
