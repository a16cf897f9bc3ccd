import torch


def _pick(scores, allowed, count):
    """One best key after the other."""
    kept = torch.zeros_like(allowed)
    with torch.no_grad():
        left = torch.where(allowed, scores, float("-inf"))
        for _ in range(count):
            best = left.argmax(dim=-1, keepdim=True)
            kept = kept.scatter(-1, best, True)
            left = left.scatter(-1, best, float("-inf"))
    return kept & allowed


def topk_attention(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError("top_k must be at least 1")
    scores = torch.einsum("...ld,...sd->...ls", q, k) / k.shape[-1] ** 0.5
    allowed = torch.ones_like(scores, dtype=torch.bool) if mask is None else mask.expand(scores.shape)
    kept = _pick(scores, allowed, min(top_k, k.shape[-2]))
    top = torch.where(kept, scores, float("-inf")).detach().amax(-1, keepdim=True)
    top = torch.where(top.isinf(), 0.0, top)
    e = torch.where(kept, torch.exp(torch.where(kept, scores - top, 0.0)), 0.0)
    weights = e / e.sum(-1, keepdim=True).masked_fill(~kept.any(-1, keepdim=True), 1.0)
    return torch.einsum("...ls,...se->...le", weights, v), weights


bug = "zeros-not-minus-inf"
