import torch


def weighted_sum(inputs, weights):
    return torch.stack([w @ x for w, x in zip(weights.unbind(), inputs.unbind())])
