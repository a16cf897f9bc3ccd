# family: masking
# mistake: the causal argument is never used
import torch


def local_attention(q, k, v, window, causal=False):
    if window < 0:
        raise ValueError("window must be >= 0")
    n = q.shape[-2]
    out = []
    for i in range(n):
        span = slice(max(0, i - window), i + window + 1)
        p = torch.softmax(q[..., i : i + 1, :] @ k[..., span, :].transpose(-1, -2) / q.shape[-1] ** 0.5, dim=-1)
        out.append(p @ v[..., span, :])
    return torch.cat(out, dim=-2)
