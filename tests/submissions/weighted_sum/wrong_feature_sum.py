# family: shape
# mistake: the features are summed, giving (B, L).
import torch


def weighted_sum(inputs, weights):
    return torch.einsum("bl,bld->bl", weights, inputs)
