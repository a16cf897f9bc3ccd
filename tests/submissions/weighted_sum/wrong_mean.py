# family: normalization, scaling
# mistake: averages over the positions instead of summing.
import torch


def weighted_sum(inputs, weights):
    return torch.mean(weights[..., None] * inputs, dim=-2)
