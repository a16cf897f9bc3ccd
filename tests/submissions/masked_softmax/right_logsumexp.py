import torch
from torch import Tensor


def masked_softmax(scores: Tensor, mask: Tensor, dim: int = -1) -> Tensor:
    wide = scores.to(torch.float64)
    floor = torch.finfo(torch.float64).min
    hidden_low = wide.where(mask, wide.new_full((), floor))
    normaliser = hidden_low.logsumexp(dim, keepdim=True)
    weights = (hidden_low - normaliser).exp() * mask
    return weights.to(dtype=scores.dtype)
