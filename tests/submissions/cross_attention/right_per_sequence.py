from typing import Optional

import torch
from torch import Tensor, nn


class CrossAttention(nn.Module):
    """Hidden context vectors are not masked but left out: one sequence at a time."""

    def __init__(self, embed_dim: int, num_heads: int, context_dim: Optional[int] = None) -> None:
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError("num_heads has to divide embed_dim")
        if context_dim is None:
            context_dim = embed_dim
        self.num_heads = num_heads
        self.q_proj, self.out_proj = (nn.Linear(embed_dim, embed_dim) for _ in range(2))
        self.k_proj, self.v_proj = (nn.Linear(context_dim, embed_dim) for _ in range(2))

    def one(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """(L, E), (S', E), (S', E) -> (L, E)"""
        q, k, v = (torch.stack(t.chunk(self.num_heads, dim=1)) for t in (q, k, v))  # (H, ., d)
        w = torch.softmax(q @ k.mT / q.shape[2] ** 0.5, dim=2)
        return torch.cat(list(w @ v), dim=1)

    def forward(self, x: Tensor, context: Tensor, context_mask: Optional[Tensor] = None) -> Tensor:
        q, k, v = self.q_proj(x), self.k_proj(context), self.v_proj(context)
        found = []
        for b in range(x.shape[0]):
            keys, vals = k[b], v[b]
            if context_mask is not None:
                keys, vals = keys[context_mask[b]], vals[context_mask[b]]
            found.append(self.one(q[b], keys, vals))  # no keys: an empty sum, zeros
        return self.out_proj(torch.stack(found))
