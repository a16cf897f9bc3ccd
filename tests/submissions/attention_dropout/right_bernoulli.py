import torch
from torch import nn


class AttentionDropout(nn.Module):
    def __init__(self, p):
        super().__init__()
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"p must lie in [0, 1], got {p}")
        self.p = p

    def forward(self, weights):
        if not self.training or self.p == 0:
            return weights
        if self.p == 1:
            return weights * 0.0
        keep = 1 - self.p
        mask = torch.empty_like(weights).bernoulli_(keep)
        return weights * mask / keep
