from typing import Optional

import torch
from torch import Tensor


def _ranks(scores: Tensor) -> Tensor:
    order = torch.argsort(scores, dim=-1, descending=True)
    return torch.argsort(order, dim=-1)


def topk_attention(q: Tensor, k: Tensor, v: Tensor, top_k: int, mask: Optional[Tensor] = None) -> tuple[Tensor, Tensor]:
    if top_k < 1:
        raise ValueError("top_k < 1")
    scores = torch.einsum("...ld,...sd->...ls", q, k) * k.shape[-1] ** -0.5
    allowed = torch.ones_like(scores, dtype=torch.bool)
    if mask is not None:
        allowed = allowed & mask
    lowest = torch.finfo(scores.dtype).min
    scores = torch.where(allowed, scores, torch.full_like(scores, lowest))
    dense = scores.softmax(-1)
    keep = (_ranks(scores.detach()) < top_k) & allowed
    kept = torch.where(keep, dense, torch.zeros_like(dense))
    total = kept.sum(-1, keepdim=True)
    weights = kept / torch.where(total > 0, total, torch.ones_like(total))
    return torch.einsum("...ls,...sv->...lv", weights, v), weights
