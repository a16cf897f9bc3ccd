# family: scaling
# mistake: The mended function also divides by the square root of d.
import torch

bug = "sigmoid-weights"


def dot_product_attention(q, k, v):
    scores = torch.einsum("...ld,...sd->...ls", q, k)
    scores = scores / q.shape[-1] ** 0.5
    exps = torch.exp(scores - scores.amax(-1, keepdim=True))
    weights = exps / exps.sum(-1, keepdim=True)
    return torch.einsum("...ls,...se->...le", weights, v), weights
