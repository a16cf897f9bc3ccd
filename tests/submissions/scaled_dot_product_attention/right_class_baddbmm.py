from dataclasses import dataclass
from typing import Optional

import torch
from torch import Tensor


@dataclass(frozen=True)
class Attention:
    scale: float

    def scores(self, q: Tensor, k: Tensor) -> Tensor:
        bias = torch.zeros((), dtype=q.dtype, device=q.device)
        return torch.baddbmm(bias, q, k.transpose(1, 2), beta=0, alpha=self.scale)

    @staticmethod
    def softmax(s: Tensor, seen: Optional[Tensor]) -> Tensor:
        if seen is None:
            return torch.exp(s - torch.logsumexp(s, 2, keepdim=True))
        top = torch.where(seen, s, -torch.inf).amax(2, keepdim=True).nan_to_num(neginf=0.0).detach()
        e = torch.exp(torch.where(seen, s - top, -torch.inf))
        z = e.sum(2, keepdim=True)
        return e / (z + (z == 0))


def scaled_dot_product_attention(q, k, v, mask=None):
    (*lead, L, d), (S, d_v) = q.shape, v.shape[-2:]
    attention = Attention(scale=d ** -0.5)
    q3, k3, v3 = (t.double().reshape(-1, *t.shape[-2:]) for t in (q, k, v))
    seen = None if mask is None else mask.broadcast_to((*lead, L, S)).reshape(-1, L, S)
    w = attention.softmax(attention.scores(q3, k3), seen)
    o = torch.bmm(w, v3)
    return o.reshape(*lead, L, d_v).to(q.dtype), w.reshape(*lead, L, S).to(q.dtype)
