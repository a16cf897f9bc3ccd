# family: state
# mistake: a dropout of 0.1 on the weights is active in training mode.
import torch
from torch import nn


class SelfAttention(nn.Module):
    def __init__(self, embed_dim, bias=True):
        super().__init__()
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.k_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)

    def forward(self, x, mask=None):
        q, k, v = self.q_proj(x), self.k_proj(x), self.v_proj(x)
        scores = q @ k.transpose(-2, -1) / x.shape[-1] ** 0.5
        if mask is not None:
            w = torch.softmax(scores.masked_fill(~mask, float("-inf")), -1).masked_fill(~mask, 0.0)
        else:
            w = torch.softmax(scores, -1)
        return nn.functional.dropout(w, 0.1, self.training) @ v
