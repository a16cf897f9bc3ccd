# family: numerics, gradient, state
# mistake: out_proj exists but the output does not go through it
import torch
from torch import nn


class CrossAttention(nn.Module):
    def __init__(self, embed_dim, num_heads, context_dim=None):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError("embed_dim must be divisible by num_heads")
        context_dim = embed_dim if context_dim is None else context_dim
        self.heads = num_heads
        self.q_proj = nn.Linear(embed_dim, embed_dim)
        self.k_proj = nn.Linear(context_dim, embed_dim)
        self.v_proj = nn.Linear(context_dim, embed_dim)
        self.out_proj = nn.Linear(embed_dim, embed_dim)

    def split(self, t):
        return t.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, x, context, context_mask=None):
        q, k, v = self.split(self.q_proj(x)), self.split(self.k_proj(context)), self.split(self.v_proj(context))
        scores = q @ k.mT / q.shape[-1] ** 0.5
        if context_mask is not None:
            m = context_mask[:, None, None, :]
            scores = scores.masked_fill(~m, -torch.inf)
        weights = scores.softmax(-1)
        if context_mask is not None:
            weights = weights.masked_fill(~m, 0.0)
        return (weights @ v).transpose(1, 2).flatten(2)
