# family: shape, numerics, interface
# mistake: unpatchify takes the grid to be square, so only square images come back.
def patchify(images, patch_size):
    b, c, h, w = images.shape
    p = patch_size
    if h % p or w % p:
        raise ValueError("not divisible")
    return images.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 1, 3, 5).reshape(b, -1, c * p * p)


def unpatchify(patches, patch_size, channels, height, width):
    p = patch_size
    if height % p or width % p:
        raise ValueError("not divisible")
    b, n, _ = patches.shape
    side = int(n ** 0.5)
    x = patches.reshape(b, side, side, channels, p, p).permute(0, 3, 1, 4, 2, 5)
    return x.reshape(b, channels, side * p, side * p)
