# family: shape, interface
# mistake: keys and values are reshaped with the query length.
import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError("embed_dim must be divisible by num_heads")
        self.h, self.d = num_heads, embed_dim // num_heads
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.k_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.drop = nn.Dropout(dropout)

    def split(self, t, n):
        return t.view(t.size(0), n, self.h, self.d).transpose(1, 2)

    def forward(self, query, key, value, mask=None):
        n = query.size(1)
        q = self.split(self.q_proj(query), n)
        k = self.split(self.k_proj(key), n)
        v = self.split(self.v_proj(value), n)
        s = q @ k.mT / self.d ** 0.5
        if mask is not None:
            if mask.dim() == 3:
                mask = mask[:, None]
            s = s.masked_fill(~mask, -torch.inf)
        w = s.softmax(-1)
        if mask is not None:
            w = w.masked_fill(~mask, 0)
        w = self.drop(w)
        return self.out_proj((w @ v).transpose(1, 2).flatten(2))
