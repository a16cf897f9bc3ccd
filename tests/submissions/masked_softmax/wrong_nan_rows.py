# family: masking, numerics
# mistake: fully masked slices come out as NaN.
import torch


def masked_softmax(scores, mask, dim=-1):
    s = torch.where(mask, scores, torch.full_like(scores, float("-inf")))
    return (s - s.logsumexp(dim=dim, keepdim=True)).exp()
