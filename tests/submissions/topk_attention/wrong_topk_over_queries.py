# family: masking, numerics
# mistake: keeps the k best queries of each key instead of the k best keys of each query
import torch


def topk_attention(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError("top_k must be at least 1")
    scores = torch.einsum("...qd,...kd->...qk", q, k) * q.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    index = scores.topk(min(top_k, scores.shape[-2]), dim=-2).indices
    keep = torch.zeros_like(scores, dtype=torch.bool).scatter(-2, index, True) & scores.isfinite()
    weights = scores.masked_fill(~keep, -torch.inf).softmax(-1).masked_fill(~keep, 0)
    return weights @ v, weights
