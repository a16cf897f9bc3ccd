# family: shape, interface
# mistake: weights (B, L) are multiplied onto (B, L, D) without a feature axis.
import torch


def weighted_sum(inputs, weights):
    return torch.mul(inputs, weights).sum(dim=1)
