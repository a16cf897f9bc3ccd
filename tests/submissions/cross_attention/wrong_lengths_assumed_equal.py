# family: shape, interface
# mistake: the context is viewed with the length of x, so it fails when L != S
import torch
from torch import nn


class CrossAttention(nn.Module):
    def __init__(self, embed_dim, num_heads, context_dim=None):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError("embed_dim must be divisible by num_heads")
        context_dim = context_dim or embed_dim
        self.num_heads, self.head_dim = num_heads, embed_dim // num_heads
        self.q_proj = nn.Linear(embed_dim, embed_dim)
        self.k_proj = nn.Linear(context_dim, embed_dim)
        self.v_proj = nn.Linear(context_dim, embed_dim)
        self.out_proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, context, context_mask=None):
        b, n, e = x.shape
        size = (b, n, self.num_heads, self.head_dim)
        q = self.q_proj(x).view(size).transpose(1, 2)
        k = self.k_proj(context).view(size).transpose(1, 2)
        v = self.v_proj(context).view(size).transpose(1, 2)
        scores = q @ k.mT / self.head_dim**0.5
        if context_mask is not None:
            m = context_mask[:, None, None, :]
            scores = scores.masked_fill(~m, -torch.inf)
        weights = scores.softmax(-1)
        if context_mask is not None:
            weights = weights.masked_fill(~m, 0.0)
        return self.out_proj((weights @ v).transpose(1, 2).reshape(b, n, e))
