import math
import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    """Heads folded into the batch axis, bmm, everything in nn.ModuleDict-free plain modules."""

    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError("embed_dim % num_heads must be 0")
        self.h = num_heads
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias)
        self.k_proj = nn.Linear(embed_dim, embed_dim, bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias)
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias)
        self.attn_dropout = nn.Dropout(dropout)

    def fold(self, x):
        return torch.cat(x.chunk(self.h, dim=-1), dim=0)          # (H * B, L, d), head-major

    def unfold(self, x):
        return torch.cat(x.chunk(self.h, dim=0), dim=-1)

    def forward(self, query, key, value, mask=None):
        q, k, v = self.fold(self.q_proj(query)), self.fold(self.k_proj(key)), self.fold(self.v_proj(value))
        scores = torch.bmm(q, k.transpose(1, 2)) / math.sqrt(q.size(-1))
        if mask is not None:
            full = mask.expand(query.size(0), query.size(1), key.size(1)).repeat(self.h, 1, 1)
            scores = scores.masked_fill(full.logical_not(), -math.inf)
            weights = scores.softmax(-1).masked_fill(full.sum(-1, keepdim=True) == 0, 0)
        else:
            weights = scores.softmax(-1)
        return self.out_proj(self.unfold(torch.bmm(self.attn_dropout(weights), v)))


bug = "shared-projection"
