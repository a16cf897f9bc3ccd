# family: masking, numerics
# mistake: while a row has seen only masked keys, -inf - (-inf) makes it NaN
import torch


def chunked_attention(q, k, v, chunk_size, causal=False):
    L, S = q.shape[-2], k.shape[-2]
    m = q.new_full((*q.shape[:-1], 1), -torch.inf)
    den, num = torch.zeros_like(m), q.new_zeros((*q.shape[:-1], v.shape[-1]))
    i = torch.arange(L, device=q.device)[:, None] + S - L
    for kc, vc, jc in zip(*(t.split(chunk_size, -2) for t in (k, v, torch.arange(S, device=q.device)[:, None]))):
        s = q @ kc.mT / q.shape[-1] ** 0.5
        if causal:
            s = s.masked_fill(jc.mT > i, -torch.inf)
        new = torch.maximum(m, s.amax(-1, keepdim=True))
        e, f = torch.exp(s - new), torch.exp(m - new)
        den, num, m = den * f + e.sum(-1, keepdim=True), num * f + e @ vc, new
    return num / torch.where(den == 0, 1.0, den)
