# family: state, numerics
# mistake: a dropout of 0.1 on the weights in training mode.
import torch
from torch import nn


class CrossAttention(nn.Module):
    def __init__(self, embed_dim, num_heads, context_dim=None):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError("heads")
        context_dim = embed_dim if context_dim is None else context_dim
        self.h, self.d = num_heads, embed_dim // num_heads
        self.q_proj = nn.Linear(embed_dim, embed_dim)
        self.k_proj = nn.Linear(context_dim, embed_dim)
        self.v_proj = nn.Linear(context_dim, embed_dim)
        self.out_proj = nn.Linear(embed_dim, embed_dim)

    def split(self, t):
        return t.reshape(t.shape[0], t.shape[1], self.h, self.d).transpose(1, 2)

    def forward(self, x, context, context_mask=None):
        q, k, v = self.split(self.q_proj(x)), self.split(self.k_proj(context)), self.split(self.v_proj(context))
        s = q @ k.transpose(-2, -1) / self.d ** 0.5
        if context_mask is not None:
            m = context_mask[:, None, None, :]
            w = torch.softmax(s.masked_fill(~m, float("-inf")), -1).masked_fill(~m, 0.0)
        else:
            w = torch.softmax(s, -1)
        return self.out_proj((nn.functional.dropout(w, 0.1, self.training) @ v).transpose(1, 2).reshape(x.shape))
