# family: gradient
# mistake: -inf is added to the scores and NaN rows are patched afterwards, so their gradients stay NaN.
import torch


def masked_softmax(scores, mask, dim=-1):
    bias = torch.zeros(mask.shape, dtype=scores.dtype, device=scores.device).masked_fill(~mask, -torch.inf)
    w = (scores + bias).softmax(dim)
    return torch.where(w.isnan(), torch.zeros_like(w), w)
