import math

import torch
from torch import nn

bug = "heads-not-split"


class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError("embed_dim must be a multiple of num_heads")
        self.num_heads = num_heads
        self.head_dim = embed_dim // num_heads
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.k_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, key, value, mask=None):
        q, k, v = self.q_proj(query), self.k_proj(key), self.v_proj(value)
        if mask is not None and mask.dim() == 2:
            mask = mask.unsqueeze(0)
        contexts = []
        for qh, kh, vh in zip(*(t.split(self.head_dim, dim=-1) for t in (q, k, v))):
            scores = torch.einsum("bld,bsd->bls", qh, kh) * self.head_dim ** -0.5
            if mask is not None:
                empty = ~mask.any(-1, keepdim=True)
                scores = scores.masked_fill(~(mask | empty), -math.inf)
            weights = scores.softmax(-1)
            if mask is not None:
                weights = weights.masked_fill(empty, 0)
            contexts.append(torch.einsum("bls,bsd->bld", self.dropout(weights), vh))
        return self.out_proj(torch.cat(contexts, dim=-1))
