import torch


def _log_softmax(s):
    top = s.detach().max(dim=-1, keepdim=True).values
    s = s - top
    return s - s.exp().sum(dim=-1, keepdim=True).log()


def dot_product_attention(q, k, v):
    weights = _log_softmax(torch.einsum("...ld,...sd->...ls", q, k)).exp()
    return torch.einsum("...ls,...se->...le", weights, v), weights


bug = "sigmoid-weights"
