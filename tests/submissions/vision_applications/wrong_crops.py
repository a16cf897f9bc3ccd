# family: interface
# mistake: An image that does not divide is cropped instead of refused.
import torch.nn.functional as F


def patchify(images, patch_size):
    return F.unfold(images, patch_size, stride=patch_size).mT


def unpatchify(patches, patch_size, channels, height, width):
    if height % patch_size or width % patch_size:
        raise ValueError("not divisible")
    return F.fold(patches.mT, (height, width), patch_size, stride=patch_size)
