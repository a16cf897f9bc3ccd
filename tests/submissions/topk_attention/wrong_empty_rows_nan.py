# family: masking, numerics
# mistake: a query that may attend to nothing gets NaN
import torch


def topk_attention(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError("top_k must be at least 1")
    scores = q @ k.transpose(-2, -1) / k.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    values, index = scores.topk(min(top_k, scores.shape[-1]), dim=-1)
    weights = torch.zeros_like(scores).scatter(-1, index, values.softmax(-1))
    return weights @ v, weights
