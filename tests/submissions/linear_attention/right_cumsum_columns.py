import torch


def linear_attention(q, k, v, causal=False, eps=1e-6):
    """Sums as running sums, one column of the values at a time: nothing larger than L·d."""
    phi = lambda x: torch.where(x > 0, x + 1, torch.exp(torch.where(x > 0, torch.zeros_like(x), x)))
    dtype = q.dtype
    up = torch.float64 if dtype == torch.float64 else torch.float32
    fq, fk, val = phi(q.to(up)), phi(k.to(up)), v.to(up)

    def gather(t):
        return t.cumsum(dim=-2) if causal else t.sum(dim=-2, keepdim=True)

    below = (fq * gather(fk)).sum(-1) + eps
    columns = [(fq * gather(fk * val[..., c : c + 1])).sum(-1) / below for c in range(v.shape[-1])]
    return torch.stack(columns, dim=-1).to(dtype)
