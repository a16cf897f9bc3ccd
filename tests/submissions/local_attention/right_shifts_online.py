import math

import torch


def _shift(x, offset):
    """Row i becomes row i + offset; rows that fall outside are zeros."""
    n = x.shape[-2]
    zeros = torch.zeros_like(x[..., : min(abs(offset), n), :])
    if offset >= 0:
        return torch.cat([x[..., offset:, :], zeros], dim=-2)
    return torch.cat([zeros, x[..., :offset, :]], dim=-2)


def local_attention(q, k, v, window, causal=False):
    if window < 0:
        raise ValueError("window must be non-negative")
    n = q.shape[-2]
    reach = min(window, n - 1)
    offsets = list(range(-reach, 1 if causal else reach + 1))
    pos = torch.arange(n, device=q.device)
    logits = []
    for o in offsets:
        s = (q * _shift(k, o)).sum(-1) / math.sqrt(q.shape[-1])
        logits.append(s.masked_fill((pos + o < 0) | (pos + o >= n), -math.inf))
    stacked = torch.stack(logits, -1)
    weights = (stacked - torch.logsumexp(stacked, -1, keepdim=True)).exp()
    out = 0
    for t, o in enumerate(offsets):
        out = out + weights[..., t : t + 1] * _shift(v, o)
    return out
