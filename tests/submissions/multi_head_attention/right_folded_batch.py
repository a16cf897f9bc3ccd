import math

import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    """Heads are stacked along the batch, head by head: (H * B, L, d)."""

    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if embed_dim != num_heads * (embed_dim // num_heads):
            raise ValueError("embed_dim is not a multiple of num_heads")
        self.num_heads = num_heads
        self.p = dropout
        for name in "qkv":
            setattr(self, f"{name}_proj", nn.Linear(embed_dim, embed_dim, bias=bias))
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias)

    def drop(self, weights):
        if not self.training or self.p == 0:
            return weights
        if self.p >= 1:
            return weights * 0
        gone = torch.rand(weights.shape, device=weights.device) < self.p
        return weights.masked_fill(gone, 0) / (1 - self.p)

    def fold(self, t):
        return torch.cat(t.chunk(self.num_heads, dim=-1), dim=0)

    def unfold(self, t):
        return torch.cat(t.chunk(self.num_heads, dim=0), dim=-1)

    def forward(self, query, key, value, mask=None):
        q, k, v = self.fold(self.q_proj(query)), self.fold(self.k_proj(key)), self.fold(self.v_proj(value))
        scores = torch.baddbmm(q.new_zeros(()), q, k.transpose(1, 2), beta=0, alpha=1 / math.sqrt(q.shape[2]))
        if mask is not None:
            seen = mask.expand(query.shape[0], query.shape[1], key.shape[1]).repeat(self.num_heads, 1, 1)
            scores = scores.masked_fill(seen.logical_not(), torch.finfo(scores.dtype).min)
            weights = scores.softmax(-1) * seen
        else:
            weights = scores.softmax(-1)
        return self.out_proj(self.unfold(torch.bmm(self.drop(weights), v)))
