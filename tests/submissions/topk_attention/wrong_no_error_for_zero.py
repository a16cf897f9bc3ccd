# family: interface
# mistake: top_k < 1 is silently raised to 1 instead of ValueError
import torch


def topk_attention(q, k, v, top_k, mask=None):
    scores = q @ k.transpose(-2, -1) / k.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    n = max(1, min(top_k, scores.shape[-1]))
    values, index = scores.topk(n, dim=-1)
    probs = values.softmax(-1).masked_fill(values == -torch.inf, 0)
    weights = torch.zeros_like(scores).scatter(-1, index, probs)
    return weights @ v, weights
