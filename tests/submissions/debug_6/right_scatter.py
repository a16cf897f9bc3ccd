import math

import torch

bug = "zeros-not-minus-inf"


def topk_attention(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError("top_k must be at least 1")
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
    allowed = torch.ones_like(scores, dtype=torch.bool) if mask is None else mask.expand_as(scores)
    ranked = scores.masked_fill(~allowed, float("-inf"))
    best = ranked.topk(min(top_k, scores.size(-1)), dim=-1).indices
    keep = torch.zeros_like(allowed).scatter(-1, best, True) & allowed
    weights = scores.masked_fill(~keep, torch.finfo(scores.dtype).min).softmax(-1).masked_fill(~keep, 0)
    return weights @ v, weights
