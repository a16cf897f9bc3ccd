# family: numerics, masking
# mistake: keeps the k smallest allowed scores instead of the largest
import torch


def topk_attention(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError("top_k must be at least 1")
    scores = q @ k.transpose(-2, -1) / k.shape[-1] ** 0.5
    allowed = torch.ones_like(scores, dtype=torch.bool) if mask is None else mask.expand_as(scores)
    order = scores.masked_fill(~allowed, torch.inf).argsort(dim=-1)
    keep = torch.zeros_like(allowed).scatter(-1, order[..., :top_k], True) & allowed
    weights = scores.masked_fill(~keep, -torch.inf).softmax(-1).masked_fill(~keep, 0)
    return weights @ v, weights
