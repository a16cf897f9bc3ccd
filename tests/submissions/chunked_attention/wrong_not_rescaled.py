# family: numerics, normalization
# mistake: when the running max grows, the sum and the accumulator are not rescaled
import torch


def chunked_attention(q, k, v, chunk_size, causal=False):
    L, S = q.shape[-2], k.shape[-2]
    m = torch.full_like(q[..., :1], -torch.inf)
    den, num = 0, 0
    i = torch.arange(L, device=q.device)[:, None] + S - L
    for a in range(0, S, chunk_size):
        s = q @ k[..., a : a + chunk_size, :].mT * q.shape[-1] ** -0.5
        if causal:
            s = s.masked_fill(torch.arange(a, a + s.shape[-1], device=q.device) > i, -torch.inf)
        m = torch.maximum(m, s.amax(-1, keepdim=True))
        e = torch.exp(s - torch.where(m.isinf(), 0.0, m))
        den = den + e.sum(-1, keepdim=True)
        num = num + e @ v[..., a : a + chunk_size, :]
    return num / torch.where(den == 0, 1.0, den)
