import torch


def _scores(q, k, lo, hi, causal, S):
    s = torch.matmul(q, k[..., lo:hi, :].mT) / q.shape[-1] ** 0.5
    if causal:
        L = q.shape[-2]
        hidden = torch.arange(lo, hi, device=q.device)[None, :] - torch.arange(L, device=q.device)[:, None] > S - L
        s = s.masked_fill_(hidden, -torch.inf)
    return s


class _Flash(torch.autograd.Function):
    """Forward keeps the output and one log-sum-exp per query; backward makes the weights again, chunk by chunk."""

    @staticmethod
    def forward(ctx, q, k, v, size, causal):
        wide = torch.promote_types(q.dtype, torch.float32)
        Q, K, V = q.to(wide), k.to(wide), v.to(wide)
        S = K.shape[-2]
        m = Q.new_full(Q.shape[:-1] + (1,), -torch.inf)
        l = torch.zeros_like(m)
        acc = Q.new_zeros(Q.shape[:-1] + (V.shape[-1],))
        for lo in range(0, S, size):
            hi = min(lo + size, S)
            s = _scores(Q, K, lo, hi, causal, S)
            new = torch.maximum(m, s.amax(-1, keepdim=True))
            ref = new.masked_fill(new == -torch.inf, 0.0)
            shrink = torch.exp(m - ref)
            e = torch.exp(s - ref)
            l = l * shrink + e.sum(-1, keepdim=True)
            acc = acc * shrink + e @ V[..., lo:hi, :]
            m = new
        empty = l == 0
        out = acc / l.masked_fill(empty, 1.0)
        lse = (m + torch.log(l)).masked_fill(empty, torch.inf)
        ctx.save_for_backward(q, k, v, out, lse)
        ctx.size, ctx.causal = size, causal
        return out.to(q.dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        q, k, v, out, lse = ctx.saved_tensors
        wide = out.dtype
        Q, K, V, G = (t.to(wide) for t in (q, k, v, g))
        S, scale = K.shape[-2], Q.shape[-1] ** -0.5
        mean = (G * out).sum(-1, keepdim=True)
        dQ, dK, dV = torch.zeros_like(Q), torch.zeros_like(K), torch.zeros_like(V)
        for lo in range(0, S, ctx.size):
            hi = min(lo + ctx.size, S)
            p = torch.exp(_scores(Q, K, lo, hi, ctx.causal, S) - lse)
            dV[..., lo:hi, :] = p.mT @ G
            ds = p * (G @ V[..., lo:hi, :].mT - mean) * scale
            dQ += ds @ K[..., lo:hi, :]
            dK[..., lo:hi, :] = ds.mT @ Q
        return dQ.to(q.dtype), dK.to(k.dtype), dV.to(v.dtype), None, None


def chunked_attention(q, k, v, chunk_size, causal=False):
    return _Flash.apply(q, k, v, chunk_size, causal)
