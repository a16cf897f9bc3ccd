import math

import torch


def _row(query, keys, values, seen):
    scores = keys.mv(query).div(math.sqrt(query.numel()))
    weights = scores.masked_fill(torch.ones_like(seen), 0)
    index = torch.nonzero(seen)[:, 0]
    if len(index):
        weights = weights.scatter(0, index, scores.index_select(0, index).softmax(0))
    return weights @ values, weights


def scaled_dot_product_attention(q, k, v, mask=None):
    lead, L, S = q.shape[:-2], q.shape[-2], k.shape[-2]
    seen = torch.ones((), dtype=torch.bool, device=q.device) if mask is None else mask
    seen = seen.expand(*lead, L, S).reshape(-1, L, S)
    outputs, weights = [], []
    for qs, ks, vs, ms in zip(q.reshape(-1, L, q.shape[-1]), k.reshape(-1, S, k.shape[-1]), v.reshape(-1, S, v.shape[-1]), seen):
        for i in range(L):
            o, w = _row(qs[i], ks, vs, ms[i])
            outputs.append(o)
            weights.append(w)
    return torch.stack(outputs).view(*lead, L, v.shape[-1]), torch.stack(weights).view(*lead, L, S)
