import math

import torch


def chunked_attention(q, k, v, chunk_size, causal=False):
    L, S = q.shape[-2], k.shape[-2]
    scale = 1.0 / math.sqrt(q.shape[-1])
    m = torch.full((*q.shape[:-1], 1), -math.inf, dtype=q.dtype, device=q.device)
    l = torch.zeros_like(m)
    acc = torch.zeros(*q.shape[:-1], v.shape[-1], dtype=q.dtype, device=q.device)
    last = torch.arange(L, device=q.device)[:, None] + (S - L)
    for start in range(0, S, chunk_size):
        stop = min(start + chunk_size, S)
        s = q @ k[..., start:stop, :].transpose(-1, -2) * scale
        if causal:
            s = s.masked_fill(torch.arange(start, stop, device=q.device) > last, -math.inf)
        new_m = torch.maximum(m, s.detach().amax(-1, keepdim=True))
        safe = new_m.masked_fill(new_m == -math.inf, 0.0)
        p = torch.exp(s - safe)
        fix = torch.exp(m - safe)
        l = l * fix + p.sum(-1, keepdim=True)
        acc = acc * fix + p @ v[..., start:stop, :]
        m = new_m
    return acc / l.masked_fill(l == 0, 1.0)
