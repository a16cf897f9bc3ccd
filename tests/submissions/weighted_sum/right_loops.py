import torch


def weighted_sum(inputs, weights):
    total = torch.zeros_like(inputs[:, 0])
    for x, w in zip(inputs.unbind(1), weights.unbind(1)):
        total = total + w.view(-1, 1) * x
    return total
