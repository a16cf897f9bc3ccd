# family: interface
# mistake: a negative window gives an answer (its absolute value) instead of ValueError
import torch


def local_attention(q, k, v, window, causal=False):
    n, w = q.shape[-2], abs(window)
    out = []
    for i in range(n):
        lo, hi = max(0, i - w), (i + 1 if causal else min(n, i + w + 1))
        p = (q[..., i : i + 1, :] @ k[..., lo:hi, :].mT * q.shape[-1] ** -0.5).softmax(-1)
        out.append(p @ v[..., lo:hi, :])
    return torch.cat(out, dim=-2)
