# family: shape, numerics
# mistake: batch and positions are flattened together, so tokens attend across the batch.
import torch
from torch import nn


class SelfAttention(nn.Module):
    def __init__(self, embed_dim, bias=True):
        super().__init__()
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.k_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)

    def forward(self, x, mask=None):
        B, L, E = x.shape
        flat = x.reshape(B * L, E)
        s = self.q_proj(flat) @ self.k_proj(flat).T / E ** 0.5
        if mask is not None:
            keep = mask.expand(B, L, L).reshape(B * L, L).repeat(1, B)
            s = s.masked_fill(~keep, -torch.inf)
        w = s.softmax(-1)
        if mask is not None:
            w = w.masked_fill(~keep, 0)
        return (w @ self.v_proj(flat)).view(B, L, E)
