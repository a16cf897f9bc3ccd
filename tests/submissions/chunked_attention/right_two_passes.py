import math

import torch


def chunked_attention(q, k, v, chunk_size, causal=False):
    L, S, d = q.shape[-2], k.shape[-2], k.shape[-1]

    def scores(a):
        s = torch.matmul(q, k[..., a : a + chunk_size, :].transpose(-2, -1)) / math.sqrt(d)
        if not causal:
            return s
        block = torch.ones(L, s.shape[-1], dtype=torch.bool, device=q.device).tril(S - L - a)
        return s.masked_fill(~block, -math.inf)

    starts = range(0, S, chunk_size)
    top = torch.full(q.shape[:-1], -math.inf, dtype=q.dtype, device=q.device)
    with torch.no_grad():
        for a in starts:
            top = torch.maximum(top, scores(a).amax(-1))
    top = torch.where(torch.isfinite(top), top, torch.zeros_like(top)).unsqueeze(-1)
    num, den = 0, 0
    for a in starts:
        e = (scores(a) - top).exp()
        num = num + e @ v[..., a : a + chunk_size, :]
        den = den + e.sum(-1, keepdim=True)
    return num / torch.where(den == 0, torch.ones_like(den), den)
