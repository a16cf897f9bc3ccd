# family: numerics
# mistake: exp without a shift overflows for large scores.
import torch


def masked_softmax(scores, mask, dim=-1):
    e = torch.where(mask, scores, torch.zeros_like(scores)).exp() * mask
    z = e.sum(dim, keepdim=True)
    return e / torch.where(z == 0, torch.ones_like(z), z)
