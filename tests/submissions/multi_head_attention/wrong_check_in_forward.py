# family: interface
# mistake: indivisible sizes raise ValueError in the forward pass, not when the module is built.
import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True):
        super().__init__()
        self.h, self.d = num_heads, embed_dim // num_heads
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.k_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def split(self, t):
        return t.reshape(t.shape[0], t.shape[1], self.h, self.d).transpose(1, 2)

    def forward(self, query, key, value, mask=None):
        if query.shape[-1] % self.h:
            raise ValueError("num_heads must divide embed_dim")
        q, k, v = self.split(self.q_proj(query)), self.split(self.k_proj(key)), self.split(self.v_proj(value))
        s = q @ k.transpose(-2, -1) / self.d ** 0.5
        if mask is not None:
            m = mask if mask.dim() == 2 else mask.unsqueeze(1)
            w = torch.softmax(s.masked_fill(~m, float("-inf")), -1).masked_fill(~m, 0.0)
        else:
            w = torch.softmax(s, -1)
        w = self.dropout(w)
        return self.out_proj((w @ v).transpose(1, 2).reshape(query.shape))
