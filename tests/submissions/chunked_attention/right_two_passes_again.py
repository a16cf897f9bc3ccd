import torch


def _blocks(k, size):
    for start in range(0, k.shape[-2], size):
        yield start, min(start + size, k.shape[-2])


def chunked_attention(q, k, v, chunk_size, causal=False):
    """First pass: only the largest score of each query. Second pass: plain sums, nothing to rescale."""
    L, S = q.shape[-2], k.shape[-2]
    wide = torch.promote_types(q.dtype, torch.float32)
    scaled = q.to(wide) * q.shape[-1] ** -0.5
    last = torch.arange(S - L, S, device=q.device)          # last visible key of each query, maybe negative

    def scores(lo, hi):
        s = torch.einsum("...ld,...sd->...ls", scaled, k[..., lo:hi, :].to(wide))
        if causal:
            seen = torch.arange(lo, hi, device=q.device) <= last[:, None]
            s = torch.where(seen, s, float("-inf"))
        return s

    with torch.no_grad():
        top = scaled.new_full(q.shape[:-1] + (1,), float("-inf"))
        for lo, hi in _blocks(k, chunk_size):
            top = torch.maximum(top, scores(lo, hi).amax(-1, keepdim=True))
        top = torch.where(top == float("-inf"), torch.zeros_like(top), top)
    total = scaled.new_zeros(q.shape[:-1] + (1,))
    acc = scaled.new_zeros(q.shape[:-1] + (v.shape[-1],))
    for lo, hi in _blocks(k, chunk_size):
        e = torch.exp(scores(lo, hi) - top)
        total = total + e.sum(-1, keepdim=True)
        acc = acc + e @ v[..., lo:hi, :].to(wide)
    return (acc / total.masked_fill(total == 0, 1.0)).to(v.dtype)
