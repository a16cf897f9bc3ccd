import torch

bug = "sigmoid-weights"


def dot_product_attention(q, k, v):
    weights = torch.softmax(q @ k.transpose(-2, -1), dim=-1)
    return weights @ v, weights
