# family: interface
# mistake: p is checked in the forward pass, not when the module is made.
import torch
from torch import nn


class AttentionDropout(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, weights):
        if not 0 <= self.p <= 1:
            raise ValueError("p must be in [0, 1]")
        if not self.training or self.p == 0:
            return weights
        if self.p == 1:
            return weights * 0
        keep = torch.rand(weights.shape, device=weights.device) >= self.p
        return weights * keep / (1 - self.p)
