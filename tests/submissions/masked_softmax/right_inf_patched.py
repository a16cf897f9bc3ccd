import torch.nn.functional as F


def masked_softmax(scores, mask, dim=-1):
    weights = F.softmax(scores.masked_fill(mask.logical_not(), float("-inf")), dim=dim)
    empty = ~mask.expand(scores.shape).any(dim=dim, keepdim=True)
    return weights.masked_fill(empty, 0)
