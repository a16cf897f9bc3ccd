import math

import torch


def topk_attention(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError("top_k has to be positive")
    lead, (L, d), (S, d_v) = q.shape[:-2], q.shape[-2:], v.shape[-2:]
    if mask is None:
        mask = torch.ones(L, S, dtype=torch.bool, device=q.device)
    mask = mask.expand(*lead, L, S).reshape(-1, L, S)
    qs, ks, vs = q.reshape(-1, L, d), k.reshape(-1, S, d), v.reshape(-1, S, d_v)
    rows = []
    for b in range(qs.shape[0]):
        for i in range(L):
            row = torch.zeros(S, dtype=q.dtype, device=q.device)
            allowed = mask[b, i].nonzero().flatten()
            if len(allowed):
                s = (ks[b, allowed] * qs[b, i]).sum(-1) / math.sqrt(d)
                top, where = s.topk(min(top_k, len(allowed)))
                row = row.index_put((allowed[where],), torch.softmax(top, 0))
            rows.append(row)
    weights = torch.stack(rows).view(-1, L, S)
    out = torch.bmm(weights, vs)
    return out.view(*lead, L, d_v), weights.view(*lead, L, S)
