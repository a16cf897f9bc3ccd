# family: scaling
# mistake: scores are not divided by sqrt(d)
import torch
import torch.nn.functional as F


def topk_attention(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError("top_k must be at least 1")
    scores = torch.matmul(q, k.transpose(-1, -2))
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    values, index = scores.topk(min(top_k, scores.shape[-1]), dim=-1)
    probs = F.softmax(values, dim=-1).masked_fill(values == float("-inf"), 0.0)
    weights = torch.zeros_like(scores).scatter(-1, index, probs)
    return torch.matmul(weights, v), weights
