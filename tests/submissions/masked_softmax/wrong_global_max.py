# family: numerics
# mistake: one maximum over the whole tensor is subtracted, so slices far below it underflow to zero.
import torch


def masked_softmax(scores, mask, dim=-1):
    s = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    e = torch.exp(s - s.max()) * mask
    z = e.sum(dim, keepdim=True)
    return e / torch.where(z == 0, torch.ones_like(z), z)
