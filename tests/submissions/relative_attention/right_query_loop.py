import math
import torch


def relative_index(L, S, max_distance):
    out = torch.empty(L, S, dtype=torch.long)
    for i in range(L):
        out[i] = torch.arange(-i, S - i).clip(min=-max_distance, max=max_distance).add(max_distance)
    return out


def relative_attention(q, k, v, rel_k, max_distance, mask=None):
    """For query i the keys simply become k_j + r_{j-i}."""
    d = q.size(-1)
    table = relative_index(q.size(-2), k.size(-2), max_distance).to(rel_k.device)
    full = None
    if mask is not None:
        full = torch.broadcast_to(mask, (*q.shape[:-1], k.size(-2)))
    out, weights = [], []
    for i in range(q.size(-2)):
        keys = k + rel_k.index_select(0, table[i])
        s = (keys @ q[..., i, :, None]).squeeze(-1) / math.sqrt(d)
        if full is not None:
            ok = full[..., i, :]
            s = s.masked_fill(ok.logical_not(), torch.finfo(s.dtype).min)
            w = torch.softmax(s, -1) * ok.to(s.dtype)
        else:
            w = torch.softmax(s, -1)
        weights.append(w)
        out.append((w[..., None, :] @ v).squeeze(-2))
    return torch.stack(out, -2), torch.stack(weights, -2)
