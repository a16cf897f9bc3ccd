# family: shape, numerics
# mistake: The channel is the fastest axis in a patch instead of the slowest, as in vision papers' (p, p, C).
import torch


def patchify(images, patch_size):
    b, c, h, w = images.shape
    p = patch_size
    if h % p or w % p:
        raise ValueError("not divisible")
    x = images.view(b, c, h // p, p, w // p, p)
    return torch.einsum("bchpwq->bhwpqc", x).reshape(b, -1, p * p * c)


def unpatchify(patches, patch_size, channels, height, width):
    p = patch_size
    if height % p or width % p:
        raise ValueError("not divisible")
    x = patches.reshape(len(patches), height // p, width // p, p, p, channels)
    return torch.einsum("bhwpqc->bchpwq", x).reshape(len(patches), channels, height, width)
