import torch
import torch.nn.functional as F


def relative_index(L, S, max_distance):
    rows = []
    for i in range(L):
        rows.append([max(-max_distance, min(max_distance, j - i)) + max_distance for j in range(S)])
    return torch.tensor(rows, dtype=torch.long)


def relative_attention(q, k, v, rel_k, max_distance, mask=None):
    L, S, d = q.shape[-2], k.shape[-2], k.shape[-1]
    index = relative_index(L, S, max_distance).to(q.device)
    allowed = torch.ones(L, S, dtype=torch.bool, device=q.device) if mask is None else mask
    allowed = allowed.expand(*q.shape[:-1], S)
    rows = []
    for i in range(L):
        keys = k + rel_k[index[i]]
        s = (keys @ q[..., i, :, None]).squeeze(-1) / d**0.5
        s = s.masked_fill(~allowed[..., i, :], -torch.inf)
        rows.append(F.softmax(s, dim=-1).masked_fill(~allowed[..., i, :], 0))
    weights = torch.stack(rows, dim=-2)
    return weights @ v, weights
