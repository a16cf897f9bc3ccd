# family: masking
# mistake: fully masked slices get uniform weights.
import torch


def masked_softmax(scores, mask, dim=-1):
    return torch.softmax(torch.where(mask, scores, torch.finfo(scores.dtype).min), dim)
