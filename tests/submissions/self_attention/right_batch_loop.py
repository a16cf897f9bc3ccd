import math
from typing import Optional

import torch
from torch import Tensor, nn


class SelfAttention(nn.Module):
    def __init__(self, embed_dim: int, bias: bool = True) -> None:
        super().__init__()
        for name in ("q_proj", "k_proj", "v_proj"):
            setattr(self, name, nn.Linear(embed_dim, embed_dim, bias))

    def forward(self, x: Tensor, mask: Optional[Tensor] = None) -> Tensor:
        B, L, E = x.shape
        if mask is not None:
            mask = mask.expand(B, L, L)
        return torch.stack([self._one(x[b], None if mask is None else mask[b]) for b in range(B)])

    def _one(self, x: Tensor, mask: Optional[Tensor]) -> Tensor:
        scores = self.q_proj(x).mm(self.k_proj(x).t()) / math.sqrt(x.size(-1))
        if mask is not None:
            scores = torch.where(mask, scores, -torch.inf)
        weights = torch.softmax(scores, dim=1)
        if mask is not None:
            weights = torch.where(mask, weights, 0.0)
        return weights.mm(self.v_proj(x))
