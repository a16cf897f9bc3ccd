import torch

bug = "sigmoid-weights"


def dot_product_attention(q, k, v):
    scores = torch.einsum("...ld,...sd->...ls", q, k)
    exps = torch.exp(scores - scores.amax(-1, keepdim=True))
    weights = exps / exps.sum(-1, keepdim=True)
    return torch.einsum("...ls,...se->...le", weights, v), weights
