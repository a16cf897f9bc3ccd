import torch


def masked_softmax(scores, mask, dim=-1):
    hidden = ~mask
    filled = scores.masked_fill(hidden, torch.finfo(scores.dtype).min)
    return torch.softmax(filled, dim=dim).masked_fill(hidden, 0.0)
