# family: shape, numerics
# mistake: the sum runs over the whole batch and every sample gets the same vector.
import torch


def weighted_sum(inputs, weights):
    B, L, D = inputs.shape
    total = weights.reshape(1, B * L) @ inputs.reshape(B * L, D)
    return total.expand(B, D)
