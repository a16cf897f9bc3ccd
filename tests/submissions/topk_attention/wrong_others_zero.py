# family: masking, numerics
# mistake: scores outside the top k become 0 instead of -inf, so every key still gets weight
import math

import torch


def topk_attention(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError("top_k must be at least 1")
    scores = q @ k.transpose(-2, -1) / math.sqrt(k.size(-1))
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    values, index = torch.topk(scores, min(top_k, scores.size(-1)), dim=-1)
    sparse = torch.zeros_like(scores).scatter(-1, index, values)
    if mask is not None:
        sparse = sparse.masked_fill(~mask, float("-inf"))
    weights = torch.softmax(sparse, dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0.0)
    return weights @ v, weights
