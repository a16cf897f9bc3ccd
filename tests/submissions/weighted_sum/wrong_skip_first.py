# family: numerics, normalization
# mistake: positions whose weight is tiny (below 1e-2 in absolute value) are skipped.
import torch


def weighted_sum(inputs, weights):
    kept = torch.where(weights.abs() < 1e-2, torch.zeros_like(weights), weights)
    return torch.einsum("bl,bld->bd", kept, inputs)
