import torch


def scaled_dot_product_attention(q, k, v, mask=None):
    *lead, L, d = q.shape
    S, d_v = k.shape[-2], v.shape[-1]
    if mask is None:
        mask = torch.ones(1, 1, dtype=torch.bool, device=q.device)
    allowed = mask.expand(*lead, L, S).reshape(-1, L, S)
    qs, ks, vs = q.reshape(-1, L, d), k.reshape(-1, S, d), v.reshape(-1, S, d_v)
    outputs, weights = [], []
    for b in range(qs.shape[0]):
        for i in range(L):
            seen = allowed[b, i].nonzero().squeeze(1)
            row = qs.new_zeros(S)
            if len(seen) > 0:
                score = (ks[b, seen] * qs[b, i]).sum(dim=1) / d ** 0.5
                row = row.index_put((seen,), score.softmax(0))
            weights.append(row)
            outputs.append(row @ vs[b])
    return torch.stack(outputs).reshape(*lead, L, d_v), torch.stack(weights).reshape(*lead, L, S)
