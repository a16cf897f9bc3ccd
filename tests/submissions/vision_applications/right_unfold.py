import torch.nn.functional as F


def _check(height, width, p):
    if p < 1 or height % p != 0 or width % p != 0:
        raise ValueError(f"{height}x{width} is not a multiple of {p}")


def patchify(images, patch_size):
    _check(images.size(2), images.size(3), patch_size)
    return F.unfold(images, kernel_size=patch_size, stride=patch_size).transpose(1, 2)


def unpatchify(patches, patch_size, channels, height, width):
    _check(height, width, patch_size)
    return F.fold(patches.transpose(1, 2), (height, width), kernel_size=patch_size, stride=patch_size)
