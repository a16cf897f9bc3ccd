import math
from typing import Optional

import torch
from torch import Tensor, nn


class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True) -> None:
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError(f"{embed_dim} is no multiple of {num_heads}")
        self.num_heads = num_heads
        self.dropout = dropout
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (
            nn.Linear(embed_dim, embed_dim, bias=bias) for _ in range(4)
        )

    def _head(self, q: Tensor, k: Tensor, v: Tensor, mask: Optional[Tensor]) -> Tensor:
        scores = torch.bmm(q, k.transpose(1, 2)) / math.sqrt(q.size(2))
        if mask is not None:
            scores = torch.where(mask, scores, torch.finfo(scores.dtype).min)
        weights = torch.softmax(scores, dim=2)
        if mask is not None:
            weights = torch.where(mask, weights, torch.zeros_like(weights))
        weights = nn.functional.dropout(weights, self.dropout, self.training)
        return torch.bmm(weights, v)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Optional[Tensor] = None) -> Tensor:
        parts = [
            self._head(q, k, v, mask)
            for q, k, v in zip(
                self.q_proj(query).chunk(self.num_heads, dim=-1),
                self.k_proj(key).chunk(self.num_heads, dim=-1),
                self.v_proj(value).chunk(self.num_heads, dim=-1),
            )
        ]
        return self.out_proj(torch.cat(parts, dim=-1))
