# family: masking, numerics
# mistake: torch.roll wraps around, so the first position sees the last ones
import math

import torch


def local_attention(q, k, v, window, causal=False):
    if window < 0:
        raise ValueError("window must be >= 0")
    n = q.shape[-2]
    lo = -min(window, (n - 1) // 2)
    hi = 0 if causal else -lo
    offsets = range(lo, hi + 1)
    scores = [(q * torch.roll(k, -o, dims=-2)).sum(-1) / math.sqrt(q.shape[-1]) for o in offsets]
    weights = torch.stack(scores, dim=-1).softmax(dim=-1)
    return sum(weights[..., t, None] * torch.roll(v, -o, dims=-2) for t, o in enumerate(offsets))
