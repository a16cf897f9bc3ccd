# family: normalization
# mistake: the weights are divided by their sum first.
import torch


def weighted_sum(inputs, weights):
    total = weights.sum(dim=1, keepdim=True)
    return torch.einsum("bl,bld->bd", weights / total, inputs)
