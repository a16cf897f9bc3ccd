import math

import torch
from torch import nn


class CrossAttention(nn.Module):
    def __init__(self, embed_dim, num_heads, context_dim=None):
        super().__init__()
        quotient, rest = divmod(embed_dim, num_heads)
        if rest:
            raise ValueError(f"{num_heads} heads do not divide {embed_dim} features")
        self.spans = [slice(i * quotient, (i + 1) * quotient) for i in range(num_heads)]
        width = embed_dim if context_dim is None else context_dim
        self.v_proj = nn.Linear(width, embed_dim)
        self.out_proj = nn.Linear(embed_dim, embed_dim)
        self.k_proj = nn.Linear(width, embed_dim)
        self.q_proj = nn.Linear(embed_dim, embed_dim)

    @staticmethod
    def _head(q, k, v, visible):
        scores = torch.bmm(q, k.transpose(1, 2)) / math.sqrt(q.shape[-1])
        if visible is not None:
            scores = torch.where(visible, scores, torch.finfo(scores.dtype).min)
        weights = scores.softmax(2)
        if visible is not None:
            weights = torch.where(visible, weights, 0.0)
        return weights.to(v.dtype) @ v

    def forward(self, x, context, context_mask=None):
        visible = None if context_mask is None else context_mask.unsqueeze(1)
        q, k, v = self.q_proj(x), self.k_proj(context), self.v_proj(context)
        heads = [self._head(q[..., s], k[..., s], v[..., s], visible) for s in self.spans]
        return self.out_proj(torch.cat(heads, dim=-1))
