import torch


def weighted_sum(inputs, weights):
    return torch.einsum("bl,bld->bd", weights, inputs)
