# family: masking
# mistake: emptiness of a slice is checked over the last axis instead of dim.
import torch


def masked_softmax(scores, mask, dim=-1):
    w = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim)
    return w * mask.expand_as(scores).any(-1, keepdim=True)
