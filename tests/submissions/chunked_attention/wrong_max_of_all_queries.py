# family: numerics
# mistake: the running maximum is shared by all queries
import torch


def chunked_attention(q, k, v, chunk_size, causal=False):
    L, S = q.shape[-2], k.shape[-2]
    scale = q.shape[-1] ** -0.5
    m = q.new_full((*q.shape[:-1], 1), float("-inf"))
    l = q.new_zeros((*q.shape[:-1], 1))
    acc = q.new_zeros((*q.shape[:-1], v.shape[-1]))
    i = torch.arange(L, device=q.device).unsqueeze(1)
    for start in range(0, S, chunk_size):
        stop = min(start + chunk_size, S)
        scores = q @ k[..., start:stop, :].transpose(-2, -1) * scale
        if causal:
            j = torch.arange(start, stop, device=q.device)
            scores = scores.masked_fill(j > i + (S - L), float("-inf"))
        new = torch.maximum(m, scores.amax())
        safe = new.masked_fill(new == float("-inf"), 0.0)
        factor = torch.exp(m - safe)
        e = torch.exp(scores - safe)
        l = l * factor + e.sum(dim=-1, keepdim=True)
        acc = acc * factor + e @ v[..., start:stop, :]
        m = new
    return acc / l.masked_fill(l == 0, 1.0)
