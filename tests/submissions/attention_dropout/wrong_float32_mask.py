# family: dtype
# mistake: a float32 mask promotes bfloat16 weights to float32.
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
            return torch.zeros_like(weights) * weights
        mask = (torch.rand(weights.shape, device=weights.device) >= self.p).float()
        return weights * mask / (1 - self.p)
