import math

import torch


def local_attention(q, k, v, window, causal=False):
    if window < 0:
        raise ValueError("window")
    n = q.shape[-2]
    step = window + 1
    scale = 1 / math.sqrt(q.shape[-1])
    pos = torch.arange(n, device=q.device)
    outs = []
    for a in range(0, n, step):
        b = min(a + step, n)
        lo, hi = max(0, a - window), min(n, b + window)
        s = q[..., a:b, :] @ k[..., lo:hi, :].transpose(-1, -2) * scale
        far = (pos[a:b, None] - pos[None, lo:hi]).abs() > window
        if causal:
            far = far | (pos[None, lo:hi] > pos[a:b, None])
        s = s.masked_fill(far, -math.inf)
        outs.append(torch.softmax(s, -1) @ v[..., lo:hi, :])
    return torch.cat(outs, dim=-2)
