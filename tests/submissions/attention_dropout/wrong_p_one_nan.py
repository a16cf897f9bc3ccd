# family: numerics
# mistake: p = 1 divides zero by zero.
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
        kept = torch.rand(weights.shape, device=weights.device) >= self.p
        return weights * kept / (1 - self.p)
