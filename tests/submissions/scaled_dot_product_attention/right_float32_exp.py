from typing import Optional

import torch
from torch import Tensor


def _safe_softmax(x: Tensor, keep: Optional[Tensor]) -> Tensor:
    if keep is None:
        return (x - x.logsumexp(-1, keepdim=True)).exp()
    x = torch.where(keep, x, torch.finfo(x.dtype).min)
    e = torch.exp(x - x.detach().amax(dim=-1, keepdim=True))
    e = torch.where(keep, e, torch.zeros_like(e))
    total = e.sum(dim=-1, keepdim=True)
    return e / torch.where(total > 0, total, torch.ones_like(total))


def scaled_dot_product_attention(q: Tensor, k: Tensor, v: Tensor, mask: Optional[Tensor] = None):
    kind = q.dtype
    acc = torch.float64 if kind == torch.float64 else torch.float32
    scores = torch.matmul(q.to(acc), k.to(acc).mT) * k.shape[-1] ** -0.5
    weights = _safe_softmax(scores, mask)
    return torch.matmul(weights, v.to(acc)).to(kind), weights.to(kind)
