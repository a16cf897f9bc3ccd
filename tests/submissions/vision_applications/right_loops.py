import torch


def patchify(images: torch.Tensor, patch_size: int) -> torch.Tensor:
    height, width = images.shape[-2:]
    if height % patch_size or width % patch_size:
        raise ValueError("sizes must be multiples of patch_size")
    rows = images.split(patch_size, dim=2)
    patches = [patch.flatten(1) for row in rows for patch in row.split(patch_size, dim=3)]
    return torch.stack(patches, dim=1)


def unpatchify(patches: torch.Tensor, patch_size: int, channels: int, height: int, width: int) -> torch.Tensor:
    if height % patch_size or width % patch_size:
        raise ValueError("sizes must be multiples of patch_size")
    tiles = [t.unflatten(1, (channels, patch_size, patch_size)) for t in patches.unbind(1)]
    across = width // patch_size
    rows = [torch.cat(tiles[i:i + across], dim=3) for i in range(0, len(tiles), across)]
    return torch.cat(rows, dim=2)
