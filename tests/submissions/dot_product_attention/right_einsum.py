import torch


def dot_product_attention(q, k, v):
    scores = torch.einsum("...ld,...sd->...ls", q, k)
    weights = torch.softmax(scores, dim=-1)
    return torch.einsum("...ls,...se->...le", weights, v), weights
