"""One index table says where each number of the patches stands in the flattened image; the inverse is its argsort."""
import torch


def _table(channels, height, width, p, device):
    if height % p or width % p:
        raise ValueError(f"{height} x {width} is no multiple of {p}")
    per_row = width // p
    n = torch.arange((height // p) * per_row, device=device)[:, None]
    k = torch.arange(channels * p * p, device=device)[None, :]
    c, i, j = k // (p * p), (k // p) % p, k % p
    row, column = torch.div(n, per_row, rounding_mode="floor") * p + i, (n % per_row) * p + j
    return (c * height + row) * width + column


def patchify(images, patch_size):
    B, C, H, W = images.shape
    table = _table(C, H, W, patch_size, images.device)
    return images.reshape(B, -1)[:, table]


def unpatchify(patches, patch_size, channels, height, width):
    back = _table(channels, height, width, patch_size, patches.device).flatten().argsort()
    return patches.flatten(1).index_select(1, back).unflatten(1, (channels, height, width))
