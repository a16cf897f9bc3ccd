# family: normalization, numerics
# mistake: every chunk gets its own softmax and the outputs are averaged
import torch


def chunked_attention(q, k, v, chunk_size, causal=False):
    L, S = q.shape[-2], k.shape[-2]
    i = torch.arange(L, device=q.device)[:, None] + S - L
    outs, used = [], []
    for a in range(0, S, chunk_size):
        s = q @ k[..., a : a + chunk_size, :].mT / q.shape[-1] ** 0.5
        ok = torch.ones(s.shape[-2:], dtype=torch.bool, device=q.device)
        if causal:
            ok = torch.arange(a, a + s.shape[-1], device=q.device) <= i
        w = s.masked_fill(~ok, -torch.inf).softmax(-1).masked_fill(~ok, 0)
        outs.append(w @ v[..., a : a + chunk_size, :])
        used.append(ok.any(-1, keepdim=True).to(q.dtype))
    return sum(outs) / sum(used).clamp(min=1)
