# family: interface
# mistake: a top_k larger than the number of keys raises instead of keeping them all
import math

import torch


def topk_attention(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError("top_k must be at least 1")
    scores = q @ k.transpose(-2, -1) / math.sqrt(k.size(-1))
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    values, index = torch.topk(scores, top_k, dim=-1)
    probs = values.softmax(dim=-1).masked_fill(values.isinf(), 0.0)
    weights = torch.zeros_like(scores).scatter(-1, index, probs)
    return weights @ v, weights
