# family: interface
# mistake: a p outside [0, 1] is accepted.
import torch
from torch import nn


class AttentionDropout(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, weights):
        if not self.training or self.p == 0:
            return weights
        if self.p == 1:
            return weights * 0
        kept = torch.rand(weights.shape, device=weights.device) >= self.p
        return weights * kept / (1 - self.p)
