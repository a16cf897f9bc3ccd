"""Cutting and gluing: slices, stack and cat."""
import torch


def patchify(images, patch_size):
    _, _, height, width = images.size()
    if height % patch_size != 0 or width % patch_size != 0:
        raise ValueError("the patches do not fill the image")
    cut = []
    for top in range(0, height, patch_size):
        for left in range(0, width, patch_size):
            square = images[:, :, top : top + patch_size, left : left + patch_size]
            cut.append(square.reshape(square.size(0), -1))
    return torch.stack(cut, dim=1)


def unpatchify(patches, patch_size, channels, height, width):
    if height % patch_size != 0 or width % patch_size != 0:
        raise ValueError("the patches do not fill the image")
    squares = [one.reshape(-1, channels, patch_size, patch_size) for one in patches.unbind(1)]
    across = width // patch_size
    bands = [torch.cat(squares[i : i + across], dim=3) for i in range(0, len(squares), across)]
    return torch.cat(bands, dim=2)
