# family: masking
# mistake: causal compares j <= i, aligned at the top left, so it is wrong when L != S
import torch


def chunked_attention(q, k, v, chunk_size, causal=False):
    L, S = q.shape[-2], k.shape[-2]
    m = q.new_full((*q.shape[:-1], 1), -torch.inf)
    den, num = torch.zeros_like(m), q.new_zeros((*q.shape[:-1], v.shape[-1]))
    for a in range(0, S, chunk_size):
        s = q @ k[..., a : a + chunk_size, :].mT / q.shape[-1] ** 0.5
        if causal:
            j = torch.arange(a, a + s.shape[-1], device=q.device)
            s = s.masked_fill(j > torch.arange(L, device=q.device)[:, None], -torch.inf)
        new = torch.maximum(m, s.amax(-1, keepdim=True))
        ref = torch.where(new.isinf(), 0.0, new)
        e, f = torch.exp(s - ref), torch.exp(m - ref)
        den, num, m = den * f + e.sum(-1, keepdim=True), num * f + e @ v[..., a : a + chunk_size, :], new
    return num / torch.where(den == 0, 1.0, den)
