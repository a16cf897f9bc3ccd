import torch


def local_attention(q, k, v, window, causal=False):
    if window < 0:
        raise ValueError(f"negative window: {window}")
    length = q.size(-2)
    rows = []
    for i in range(length):
        lo = max(0, i - window)
        hi = i + 1 if causal else min(length, i + window + 1)
        s = (k[..., lo:hi, :] @ q[..., i, :].unsqueeze(-1)).squeeze(-1) * q.size(-1) ** -0.5
        p = torch.softmax(s, dim=-1)
        rows.append((p.unsqueeze(-1) * v[..., lo:hi, :]).sum(-2))
    return torch.stack(rows, dim=-2)
