# family: normalization
# mistake: a softmax is applied to weights that are already final.
import torch


def weighted_sum(inputs, weights):
    return torch.bmm(weights.softmax(-1).unsqueeze(1), inputs).squeeze(1)
