import torch


def _block(q, k, v, allowed):
    s = torch.einsum("...ld,...cd->...lc", q, k) * q.shape[-1] ** -0.5
    if allowed is not None:
        s = s.masked_fill(~allowed, torch.finfo(s.dtype).min)
    lse = s.logsumexp(-1, keepdim=True)
    p = (s - lse).exp()
    if allowed is not None:
        p = p.masked_fill(~allowed, 0.0)
        lse = lse.masked_fill(~allowed.any(-1, keepdim=True), torch.finfo(s.dtype).min)
    return torch.einsum("...lc,...cv->...lv", p, v), lse


def chunked_attention(q, k, v, chunk_size, causal=False):
    n_q, n_k = q.shape[-2], k.shape[-2]
    out = lse = None
    rows = torch.arange(n_q, device=q.device) + n_k - n_q
    for j, (kc, vc) in enumerate(zip(k.split(chunk_size, dim=-2), v.split(chunk_size, dim=-2))):
        cols = torch.arange(kc.shape[-2], device=q.device) + j * chunk_size
        o, z = _block(q, kc, vc, cols[None, :] <= rows[:, None] if causal else None)
        if out is None:
            out, lse = o, z
        else:
            share = torch.sigmoid(z - lse)
            out = out + (o - out) * share
            lse = torch.maximum(lse, z) + torch.log1p(torch.exp(-(lse - z).abs()))
    return out
