"""Tensor.unfold (a view) one way, unflatten and einsum the other."""
import torch
from torch import Tensor


def _check(p: int, *sides: int) -> None:
    if any(side % p != 0 for side in sides):
        raise ValueError(f"patch size {p} does not divide {sides}")


def patchify(images: Tensor, patch_size: int) -> Tensor:
    p = patch_size
    _check(p, *images.shape[-2:])
    windows = images.unfold(-2, p, p).unfold(-2, p, p)  # (B, C, h, w, p, p)
    return windows.movedim(1, 3).flatten(3).flatten(1, 2)


def unpatchify(patches: Tensor, patch_size: int, channels: int, height: int, width: int) -> Tensor:
    p = patch_size
    _check(p, height, width)
    grid = patches.unflatten(-1, (channels, p, p)).unflatten(1, (height // p, width // p))
    return torch.einsum("bhwcij->bchiwj", grid).flatten(4).flatten(2, 3)
