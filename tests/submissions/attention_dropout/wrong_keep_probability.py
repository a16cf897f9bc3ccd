# family: scaling, numerics
# mistake: p is treated as the probability to keep.
import torch
from torch import nn


class AttentionDropout(nn.Module):
    def __init__(self, p):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(p)
        self.p = p

    def forward(self, weights):
        if not self.training or self.p == 0:
            return weights
        if self.p == 1:
            return weights * 0
        kept = torch.bernoulli(torch.full(weights.shape, self.p, device=weights.device)).to(weights.dtype)
        return weights * kept / self.p
