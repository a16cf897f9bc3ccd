# family: scaling
# mistake: survivors are not multiplied by 1 / (1 - p).
import torch
from torch import nn


class AttentionDropout(nn.Module):
    def __init__(self, p):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(p)
        self.p = p

    def forward(self, weights):
        if not self.training:
            return weights
        return torch.where(torch.rand(weights.shape, device=weights.device) < self.p, 0, weights)
