# family: normalization
# mistake: dense softmax, then the small weights are cut without renormalising
import torch


def topk_attention(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError("top_k must be at least 1")
    scores = q @ k.transpose(-2, -1) / k.shape[-1] ** 0.5
    allowed = torch.ones_like(scores, dtype=torch.bool) if mask is None else mask.expand_as(scores)
    dense = scores.masked_fill(~allowed, -torch.inf).softmax(-1).masked_fill(~allowed, 0)
    index = scores.masked_fill(~allowed, -torch.inf).topk(min(top_k, scores.shape[-1])).indices
    cut = torch.zeros_like(dense).scatter(-1, index, 1.0)
    weights = dense * cut
    return weights @ v, weights
