# family: normalization, scaling
# mistake: the surviving weights are renormalised to sum to one instead of scaled by 1 / (1 - p).
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
        kept = weights * (torch.rand(weights.shape, device=weights.device) >= self.p)
        return kept / kept.sum(-1, keepdim=True).clamp(min=1e-9)
