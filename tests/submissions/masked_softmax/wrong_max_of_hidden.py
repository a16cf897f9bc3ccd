# family: numerics
# mistake: the shift is the maximum over hidden scores too, so a huge hidden score underflows the visible ones.
import torch


def masked_softmax(scores, mask, dim=-1):
    e = torch.exp(scores - scores.amax(dim, keepdim=True)) * mask
    z = e.sum(dim, keepdim=True)
    return e / torch.where(z == 0, torch.ones_like(z), z)
