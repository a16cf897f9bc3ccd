import torch
from torch import nn


def parameter_count(embed_dim, num_heads, bias=True):
    layers = nn.ModuleList(nn.Linear(embed_dim, embed_dim, bias=bias, device="meta") for _ in range(4))
    return sum(p.numel() for p in layers.parameters())


def _heads(t, H):
    B, n, E = t.shape
    return t.contiguous().as_strided((B, H, n, E // H), (n * E, E // H, E, 1), t.contiguous().storage_offset())


def head_weights(q, k, num_heads):
    s = _heads(q.double(), num_heads) @ _heads(k.double(), num_heads).mT
    s = s / (q.shape[-1] / num_heads) ** 0.5
    return torch.exp(s - s.logsumexp(-1, keepdim=True)).to(q.dtype)
