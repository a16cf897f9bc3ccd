# family: resources
# mistake: the whole L x S score matrix is computed first, then cut into chunks
import torch


def chunked_attention(q, k, v, chunk_size, causal=False):
    L, S = q.shape[-2], k.shape[-2]
    scores = q @ k.mT / q.shape[-1] ** 0.5
    if causal:
        scores = scores.masked_fill(~torch.ones(L, S, dtype=torch.bool, device=q.device).tril(S - L), -torch.inf)
    m = q.new_full((*q.shape[:-1], 1), -torch.inf)
    den, num = torch.zeros_like(m), q.new_zeros((*q.shape[:-1], v.shape[-1]))
    for s, vc in zip(scores.split(chunk_size, -1), v.split(chunk_size, -2)):
        new = torch.maximum(m, s.amax(-1, keepdim=True))
        ref = torch.where(new.isinf(), 0.0, new)
        e, f = torch.exp(s - ref), torch.exp(m - ref)
        den, num, m = den * f + e.sum(-1, keepdim=True), num * f + e @ vc, new
    return num / torch.where(den == 0, 1.0, den)
