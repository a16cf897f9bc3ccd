# family: normalization
# mistake: the accumulator is returned without dividing by the running sum
import torch


def chunked_attention(q, k, v, chunk_size, causal=False):
    L, S = q.shape[-2], k.shape[-2]
    m = q.new_full((*q.shape[:-1], 1), -torch.inf)
    num = q.new_zeros((*q.shape[:-1], v.shape[-1]))
    i = torch.arange(L, device=q.device)[:, None] + S - L
    for a in range(0, S, chunk_size):
        s = q @ k[..., a : a + chunk_size, :].mT / q.shape[-1] ** 0.5
        if causal:
            s = s.masked_fill(torch.arange(a, a + s.shape[-1], device=q.device) > i, -torch.inf)
        new = torch.maximum(m, s.amax(-1, keepdim=True))
        ref = torch.where(new.isinf(), 0.0, new)
        num = num * torch.exp(m - ref) + torch.exp(s - ref) @ v[..., a : a + chunk_size, :]
        m = new
    return num
