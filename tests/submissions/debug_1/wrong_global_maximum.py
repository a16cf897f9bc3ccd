# family: numerics
# mistake: one maximum for the whole tensor is subtracted: rows far below it underflow to 0/0
import torch


def dot_product_attention(q, k, v):
    scores = q @ k.transpose(-2, -1)
    e = torch.exp(scores - scores.max())
    weights = e / e.sum(dim=-1, keepdim=True)
    return weights @ v, weights


bug = "sigmoid-weights"
