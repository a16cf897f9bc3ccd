import math

import torch


class TopK:
    def __init__(self, top_k):
        if top_k < 1:
            raise ValueError("top_k must be >= 1")
        self.top_k = top_k

    def select(self, scores, allowed):
        ranked = scores.masked_fill(~allowed, -math.inf).sort(dim=-1, descending=True, stable=True).indices
        first = ranked[..., : self.top_k]
        chosen = torch.zeros(scores.shape, dtype=torch.bool, device=scores.device)
        chosen.scatter_(-1, first, True)
        return chosen & allowed

    def __call__(self, scores, allowed):
        chosen = self.select(scores.detach(), allowed)
        peak = scores.detach().masked_fill(~chosen, -math.inf).amax(-1, keepdim=True)
        peak = torch.where(torch.isfinite(peak), peak, torch.zeros_like(peak))
        e = (scores - peak).masked_fill(~chosen, -math.inf).exp()
        return e / e.sum(-1, keepdim=True).clamp_min(1e-6)


def topk_attention(q, k, v, top_k, mask=None):
    pick = TopK(top_k)
    scores = (q / math.sqrt(q.shape[-1])) @ k.transpose(-1, -2)
    allowed = torch.ones(scores.shape, dtype=torch.bool, device=q.device)
    if mask is not None:
        allowed = allowed & mask
    weights = pick(scores, allowed)
    return weights @ v, weights
