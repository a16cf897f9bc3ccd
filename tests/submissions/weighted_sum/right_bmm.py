import torch
from torch import Tensor


def weighted_sum(inputs: Tensor, weights: Tensor) -> Tensor:
    return torch.bmm(weights[:, None, :], inputs)[:, 0]
