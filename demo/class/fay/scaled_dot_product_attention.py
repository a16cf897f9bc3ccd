import torch


def scaled_dot_product_attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(mask, float("-inf"))
        weights = scores.softmax(-1).masked_fill(mask.all(-1, keepdim=True), 0)
    else:
        weights = scores.softmax(-1)
    return weights @ v, weights
