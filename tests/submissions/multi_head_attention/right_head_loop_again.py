from functools import partial

import torch
from torch import nn


def attention(q, k, v, hidden, drop):
    """One head: (B, L, d), (B, S, d), (B, S, d)."""
    s = torch.einsum("bld,bsd->bls", q, k).double() * q.size(2) ** -0.5
    if hidden is not None:
        s = s - torch.where(hidden, torch.inf, 0.0)
        top = s.detach().amax(2, keepdim=True).clamp_min(-1e300)
    else:
        top = s.detach().amax(2, keepdim=True)
    e = torch.exp(s - top)
    total = e.sum(2, keepdim=True)
    w = (e / total.where(total > 0, 1.0)).to(v.dtype)
    return drop(w) @ v


class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if embed_dim % num_heads > 0:
            raise ValueError("heads")
        linear = partial(nn.Linear, embed_dim, embed_dim, bias)
        self.out_proj, self.v_proj, self.k_proj, self.q_proj = linear(), linear(), linear(), linear()
        self.size = embed_dim // num_heads
        self.drop = nn.Dropout(dropout)

    def forward(self, query, key, value, mask=None):
        hidden = None if mask is None else ~mask
        parts = zip(*(p(t).split(self.size, dim=2) for p, t in ((self.q_proj, query), (self.k_proj, key), (self.v_proj, value))))
        return self.out_proj(torch.cat([attention(*head, hidden, self.drop) for head in parts], dim=2))
