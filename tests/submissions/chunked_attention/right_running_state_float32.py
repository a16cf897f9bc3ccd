from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Running:
    peak: Tensor
    total: Tensor
    value: Tensor

    def update(self, scores: Tensor, values: Tensor) -> "Running":
        peak = torch.maximum(self.peak, scores.amax(dim=-1, keepdim=True))
        pivot = torch.where(torch.isinf(peak), torch.zeros_like(peak), peak)
        old = torch.exp(self.peak - pivot)
        e = torch.exp(scores - pivot)
        return Running(peak, self.total * old + e.sum(-1, keepdim=True), self.value * old + e @ values)


def chunked_attention(q: Tensor, k: Tensor, v: Tensor, chunk_size: int, causal: bool = False) -> Tensor:
    work = torch.float32 if q.dtype in (torch.float16, torch.bfloat16) else q.dtype
    qs = q.to(work) * q.shape[-1] ** -0.5
    zero = torch.zeros_like(qs[..., :1])
    run = Running(zero - torch.inf, zero, zero.repeat_interleave(v.shape[-1], dim=-1))
    offset = k.shape[-2] - q.shape[-2]
    i = torch.arange(q.shape[-2], device=q.device).unsqueeze(-1)
    for a in range(0, k.shape[-2], chunk_size):
        kc, vc = k[..., a : a + chunk_size, :].to(work), v[..., a : a + chunk_size, :].to(work)
        scores = qs @ kc.mT
        if causal:
            j = torch.arange(a, a + kc.shape[-2], device=q.device)
            scores = scores.masked_fill(j > i + offset, -torch.inf)
        run = run.update(scores, vc)
    out = run.value / torch.where(run.total > 0, run.total, torch.ones_like(run.total))
    return out.to(q.dtype)
