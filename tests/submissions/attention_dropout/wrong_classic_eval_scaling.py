# family: scaling, state
# mistake: the old dropout: nothing in training, times 1 - p in eval.
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
            return weights * (1 - self.p)
        return weights * (torch.rand(weights.shape, device=weights.device) >= self.p)
