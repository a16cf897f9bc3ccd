# family: numerics, shape, masking
# mistake: loops S // chunk_size times, so the incomplete last chunk is lost
import torch


def chunked_attention(q, k, v, chunk_size, causal=False):
    L, S = q.shape[-2], k.shape[-2]
    chunk_size = min(chunk_size, S)
    m = torch.full_like(q[..., :1], -torch.inf)
    den = torch.zeros_like(m)
    num = torch.zeros(*q.shape[:-1], v.shape[-1], dtype=q.dtype, device=q.device)
    i = torch.arange(L, device=q.device)[:, None] + S - L
    for c in range(S // chunk_size):
        part = slice(c * chunk_size, (c + 1) * chunk_size)
        s = q @ k[..., part, :].mT / q.shape[-1] ** 0.5
        if causal:
            s = s.masked_fill(torch.arange(S, device=q.device)[part] > i, -torch.inf)
        new = torch.maximum(m, s.amax(-1, keepdim=True))
        ref = torch.where(new.isinf(), 0.0, new)
        e, f = torch.exp(s - ref), torch.exp(m - ref)
        den, num, m = den * f + e.sum(-1, keepdim=True), num * f + e @ v[..., part, :], new
    return num / torch.where(den == 0, 1.0, den)
