import torch
from torch import Tensor, nn


def parameter_count(embed_dim: int, num_heads: int, bias: bool = True) -> int:
    if embed_dim % num_heads != 0:
        raise ValueError(f"{num_heads} heads do not divide {embed_dim}")
    layers = [nn.Linear(embed_dim, embed_dim, bias=bias, device="meta") for _ in range(4)]
    return sum(p.numel() for layer in layers for p in layer.parameters())


def head_weights(q: Tensor, k: Tensor, num_heads: int) -> Tensor:
    if q.shape[-1] % num_heads != 0:
        raise ValueError(f"{num_heads} heads do not divide {q.shape[-1]}")
    qh, kh = q.unflatten(-1, (num_heads, -1)), k.unflatten(-1, (num_heads, -1))
    return torch.einsum("blhd,bshd->bhls", qh * qh.shape[-1] ** -0.5, kh).softmax(dim=-1)
