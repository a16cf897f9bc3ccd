import torch
from torch import Tensor


def neighbours(length: int, window: int, causal: bool, device) -> tuple[Tensor, Tensor]:
    offsets = torch.arange(-window, 1 if causal else window + 1, device=device)
    index = torch.arange(length, device=device).unsqueeze(1) + offsets
    return index.clamp(0, length - 1), (index >= 0) & (index < length)


def local_attention(q: Tensor, k: Tensor, v: Tensor, window: int, causal: bool = False) -> Tensor:
    if window < 0:
        raise ValueError("window must be >= 0")
    length = q.shape[-2]
    index, inside = neighbours(length, min(window, length), causal, q.device)
    scores = (k[..., index, :] * q.unsqueeze(-2)).sum(-1) / q.shape[-1] ** 0.5
    bias = torch.zeros(inside.shape, dtype=q.dtype, device=q.device).masked_fill(~inside, -torch.inf)
    weights = torch.softmax(scores + bias, dim=-1)
    return (weights.unsqueeze(-2) @ v[..., index, :]).squeeze(-2)
