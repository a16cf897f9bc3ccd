# family: numerics
# mistake: subtracts the maximum of the whole tensor instead of each row's, so rows far below it underflow to 0/0.
import torch


def dot_product_attention(q, k, v):
    scores = q @ k.transpose(-2, -1)
    exps = torch.exp(scores - scores.max())
    weights = exps / exps.sum(-1, keepdim=True)
    return weights @ v, weights
