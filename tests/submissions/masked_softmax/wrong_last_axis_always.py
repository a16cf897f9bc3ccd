# family: normalization
# mistake: dim is accepted but the softmax always runs over the last axis.
import torch


def masked_softmax(scores, mask, dim=-1):
    out = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(-1)
    return out.masked_fill(~mask, 0)
