# family: gradient
# mistake: the weights are detached, so nothing flows back to them.
import torch


def weighted_sum(inputs, weights):
    return torch.einsum("bl,bld->bd", weights.detach(), inputs)
