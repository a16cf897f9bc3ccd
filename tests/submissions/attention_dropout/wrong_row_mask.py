# family: numerics, masking
# mistake: one coin per query row, so whole rows vanish.
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
        kept = torch.rand(weights.shape[:-1], device=weights.device) >= self.p
        return weights * kept[..., None] / (1 - self.p)
