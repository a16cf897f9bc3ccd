import torch


def _one(q_i, k, v):
    s = torch.mv(k, q_i) if k.dim() == 2 else (k @ q_i.unsqueeze(-1)).squeeze(-1)
    w = (s * q_i.shape[-1] ** -0.5).softmax(-1)
    return torch.einsum("...s,...se->...e", w, v)


def local_attention(q, k, v, window, causal=False):
    """Query by query, each with the slice of keys that it sees."""
    if window < 0:
        raise ValueError("negative window")
    L = q.shape[-2]
    rows = []
    for i in range(L):
        seen = slice(max(i - window, 0), i + 1 if causal else min(i + window + 1, L))
        rows.append(_one(q[..., i, :], k[..., seen, :], v[..., seen, :]))
    return torch.stack(rows, dim=-2)
