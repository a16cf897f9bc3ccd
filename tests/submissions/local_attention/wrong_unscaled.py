# family: scaling
# mistake: scores are not divided by sqrt(d)
import torch


def local_attention(q, k, v, window, causal=False):
    if window < 0:
        raise ValueError("window must be >= 0")
    n = q.shape[-2]
    out = []
    for i in range(n):
        lo, hi = max(0, i - window), (i + 1 if causal else min(n, i + window + 1))
        p = torch.einsum("...d,...wd->...w", q[..., i, :], k[..., lo:hi, :]).softmax(-1)
        out.append(torch.einsum("...w,...wv->...v", p, v[..., lo:hi, :]))
    return torch.stack(out, dim=-2)
