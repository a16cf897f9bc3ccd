# family: state
# mistake: the caller's scores are overwritten by masked_fill_.
import torch


def masked_softmax(scores, mask, dim=-1):
    scores.data.masked_fill_(~mask, torch.finfo(scores.dtype).min)
    return torch.softmax(scores, dim).masked_fill(~mask, 0)
