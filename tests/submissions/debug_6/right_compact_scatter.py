import math
import torch


def topk_attention(q, k, v, top_k, mask=None):
    """Softmax over the compact (..., L, n) scores, scattered into a row of zeros."""
    if top_k < 1:
        raise ValueError(f"top_k is {top_k}")
    n = min(top_k, k.size(-2))
    scores = (q @ k.mT) / math.sqrt(q.size(-1))
    low = torch.finfo(scores.dtype).min
    allowed = None
    if mask is not None:
        allowed = torch.broadcast_to(mask, scores.shape)
        scores = scores.masked_fill(~allowed, low)
    best, where = torch.topk(scores, n, dim=-1, sorted=False)
    compact = torch.softmax(best, dim=-1)
    if allowed is not None:
        compact = compact * torch.gather(allowed, -1, where).to(compact.dtype)
    weights = torch.zeros_like(scores).scatter(-1, where, compact)
    return weights @ v, weights


bug = "zeros-not-minus-inf"
