import torch


def _one_head(q, k, v, size, causal):
    n, s = len(q), len(k)
    best = q.new_full((n,), float("-inf"))
    total, out = q.new_zeros(n), q.new_zeros(n, v.shape[1])
    for a in range(0, s, size):
        x = q @ k[a : a + size].t() / q.shape[1] ** 0.5
        if causal:
            j = torch.arange(a, min(a + size, s), device=q.device)
            i = torch.arange(n, device=q.device)[:, None] + s - n
            x = x.masked_fill(j > i, float("-inf"))
        now = torch.maximum(best, x.max(dim=1).values)
        base = torch.nan_to_num(now.detach(), neginf=0.0)
        e = torch.exp(x - base[:, None])
        keep = torch.exp(best.detach() - base)
        total = total * keep + e.sum(1)
        out = out * keep[:, None] + e @ v[a : a + size]
        best = now.detach()
    return out / torch.where(total == 0, torch.ones_like(total), total)[:, None]


def chunked_attention(q, k, v, chunk_size, causal=False):
    lead = q.shape[:-2]
    flat = [t.reshape(-1, *t.shape[-2:]) for t in (q, k, v)]
    heads = [_one_head(a, b, c, chunk_size, causal) for a, b, c in zip(*flat)]
    return torch.stack(heads).reshape(*lead, q.shape[-2], v.shape[-1])
