# family: shape
# mistake: squeeze() without a dimension also drops a batch of one or a single feature.
import torch


def weighted_sum(inputs, weights):
    return torch.bmm(weights.unsqueeze(1), inputs).squeeze()
