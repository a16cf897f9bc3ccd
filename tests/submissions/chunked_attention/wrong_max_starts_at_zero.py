# family: numerics
# mistake: the running max starts at 0, so rows whose scores are all very negative underflow to zero
import torch


def chunked_attention(q, k, v, chunk_size, causal=False):
    L, S = q.shape[-2], k.shape[-2]
    m = q.new_zeros((*q.shape[:-1], 1))
    den, num = torch.zeros_like(m), q.new_zeros((*q.shape[:-1], v.shape[-1]))
    i = torch.arange(L, device=q.device)[:, None] + S - L
    for a in range(0, S, chunk_size):
        s = q @ k[..., a : a + chunk_size, :].mT / q.shape[-1] ** 0.5
        if causal:
            s = s.masked_fill(torch.arange(a, a + s.shape[-1], device=q.device) > i, -torch.inf)
        new = torch.maximum(m, s.amax(-1, keepdim=True))
        e, f = torch.exp(s - new), torch.exp(m - new)
        den, num, m = den * f + e.sum(-1, keepdim=True), num * f + e @ v[..., a : a + chunk_size, :], new
    return num / torch.where(den == 0, 1.0, den)
