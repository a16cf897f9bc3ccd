from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class HeadPlan:
    embed_dim: int
    num_heads: int

    def __post_init__(self):
        if self.embed_dim % self.num_heads:
            raise ValueError("embed_dim must be a multiple of num_heads")

    @property
    def width(self):
        return self.embed_dim // self.num_heads

    def fold(self, x):
        b, n, _ = x.shape
        return x.view(b, n, self.num_heads, self.width).permute(0, 2, 1, 3).reshape(b * self.num_heads, n, self.width)

    def unfold(self, x):
        bh, n, d = x.shape
        b = bh // self.num_heads
        return x.view(b, self.num_heads, n, d).permute(0, 2, 1, 3).reshape(b, n, self.embed_dim)


class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True):
        super().__init__()
        self.plan = HeadPlan(embed_dim, num_heads)
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.k_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.attn_dropout = nn.Dropout(dropout)

    def forward(self, query, key, value, mask=None):
        q, k, v = map(self.plan.fold, (self.q_proj(query), self.k_proj(key), self.v_proj(value)))
        acc = torch.promote_types(q.dtype, torch.float32)
        scores = q.to(acc).bmm(k.to(acc).mT) * self.plan.width ** -0.5
        if mask is not None:
            full = mask.expand(query.shape[0], query.shape[1], key.shape[1])
            hidden = ~full.repeat_interleave(self.plan.num_heads, dim=0)
            scores = scores.masked_fill(hidden, float("-inf"))
            weights = nn.functional.softmax(scores, dim=-1).masked_fill(hidden, 0.0)
        else:
            weights = nn.functional.softmax(scores, dim=-1)
        weights = self.attn_dropout(weights.to(v.dtype))
        return self.out_proj(self.plan.unfold(weights @ v))
