# family: masking, numerics
# mistake: uses |i - j| < window instead of <=
import torch


def local_attention(q, k, v, window, causal=False):
    if window < 0:
        raise ValueError("window must be >= 0")
    n = q.shape[-2]
    rows = []
    for i in range(n):
        lo = max(0, i - max(window - 1, 0))
        hi = i + 1 if causal else min(n, i + max(window, 1))
        p = (q[..., i : i + 1, :] @ k[..., lo:hi, :].mT / q.shape[-1] ** 0.5).softmax(-1)
        rows.append(p @ v[..., lo:hi, :])
    return torch.cat(rows, dim=-2)
