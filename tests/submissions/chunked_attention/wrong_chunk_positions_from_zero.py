# family: masking
# mistake: key positions restart at 0 in every chunk when the causal mask is made
import torch


def chunked_attention(q, k, v, chunk_size, causal=False):
    L, S = q.shape[-2], k.shape[-2]
    m = q.new_full((*q.shape[:-1], 1), -torch.inf)
    den, num = torch.zeros_like(m), q.new_zeros((*q.shape[:-1], v.shape[-1]))
    for kc, vc in zip(k.split(chunk_size, -2), v.split(chunk_size, -2)):
        s = q @ kc.mT / q.shape[-1] ** 0.5
        if causal:
            s = s.masked_fill(~torch.ones(L, s.shape[-1], dtype=torch.bool, device=q.device).tril(S - L), -torch.inf)
        new = torch.maximum(m, s.amax(-1, keepdim=True))
        ref = torch.where(new.isinf(), 0.0, new)
        e, f = torch.exp(s - ref), torch.exp(m - ref)
        den, num, m = den * f + e.sum(-1, keepdim=True), num * f + e @ vc, new
    return num / torch.where(den == 0, 1.0, den)
