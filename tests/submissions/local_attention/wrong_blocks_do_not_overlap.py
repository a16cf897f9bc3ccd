# family: masking, numerics
# mistake: attends inside fixed blocks instead of a window that slides with the query
import torch


def local_attention(q, k, v, window, causal=False):
    if window < 0:
        raise ValueError("window must be >= 0")
    size = window + 1
    outs = []
    for qb, kb, vb in zip(q.split(size, -2), k.split(size, -2), v.split(size, -2)):
        s = qb @ kb.mT / q.shape[-1] ** 0.5
        if causal:
            n = s.shape[-1]
            s = s.masked_fill(~torch.ones(n, n, dtype=torch.bool, device=q.device).tril(), -torch.inf)
        outs.append(s.softmax(-1) @ vb)
    return torch.cat(outs, -2)
