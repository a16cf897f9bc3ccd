# family: normalization, numerics
# mistake: The sigmoids are kept and only divided by their sum.
import torch

bug = "sigmoid-weights"


def dot_product_attention(q, k, v):
    scores = torch.einsum("...ld,...sd->...ls", q, k)
    exps = scores.sigmoid()
    weights = exps / exps.sum(-1, keepdim=True)
    return torch.einsum("...ls,...se->...le", weights, v), weights
