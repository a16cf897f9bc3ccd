# family: state
# mistake: a generator seeded in forward gives the same mask on every call.
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
        g = torch.Generator(device=weights.device).manual_seed(0)
        kept = torch.rand(weights.shape, generator=g, device=weights.device) >= self.p
        return weights * kept / (1 - self.p)
