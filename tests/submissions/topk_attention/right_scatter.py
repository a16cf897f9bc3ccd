import math

import torch


def topk_attention(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError(f"top_k must be at least 1, got {top_k}")
    scores = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(k.size(-1))
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    best = scores.topk(min(top_k, scores.size(-1)), dim=-1).indices
    keep = torch.zeros_like(scores, dtype=torch.bool).scatter(-1, best, True)
    keep = keep & ~torch.isinf(scores)
    weights = torch.softmax(scores.masked_fill(~keep, float("-inf")), dim=-1)
    weights = weights.masked_fill(~keep, 0.0)
    return weights @ v, weights
