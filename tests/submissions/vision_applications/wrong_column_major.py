# family: shape, numerics
# mistake: The patches are numbered down the columns instead of along the rows.
import torch


def patchify(images, patch_size):
    if images.shape[2] % patch_size or images.shape[3] % patch_size:
        raise ValueError("not divisible")
    out = []
    for j in range(0, images.shape[3], patch_size):
        for i in range(0, images.shape[2], patch_size):
            out.append(images[:, :, i:i + patch_size, j:j + patch_size].flatten(1))
    return torch.stack(out, 1)


def unpatchify(patches, patch_size, channels, height, width):
    if height % patch_size or width % patch_size:
        raise ValueError("not divisible")
    x = patches.view(len(patches), width // patch_size, height // patch_size, channels, patch_size, patch_size)
    return torch.einsum("bwhcpq->bchpwq", x).reshape(len(patches), channels, height, width)
