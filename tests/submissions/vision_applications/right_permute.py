import torch


def patchify(images, patch_size):
    B, C, H, W = images.shape
    p = patch_size
    if H % p or W % p:
        raise ValueError("the image does not divide into patches")
    x = images.reshape(B, C, H // p, p, W // p, p)
    return x.permute(0, 2, 4, 1, 3, 5).reshape(B, (H // p) * (W // p), C * p * p)


def unpatchify(patches, patch_size, channels, height, width):
    p = patch_size
    if height % p or width % p:
        raise ValueError("the image does not divide into patches")
    x = patches.reshape(patches.shape[0], height // p, width // p, channels, p, p)
    return x.permute(0, 3, 1, 4, 2, 5).reshape(-1, channels, height, width)
