import torch
from torch import nn


class AttentionDropout(nn.Module):
    def __init__(self, p):
        super().__init__()
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"p must lie in [0, 1], not {p}")
        self.p = p

    def extra_repr(self):
        return f"p={self.p}"

    def forward(self, weights):
        if not self.training or self.p == 0:
            return weights
        if self.p == 1:
            return weights.masked_fill(torch.ones_like(weights, dtype=torch.bool), 0)
        keep = torch.bernoulli(torch.full(weights.shape, 1 - self.p, dtype=torch.float32, device=weights.device)).bool()
        return torch.where(keep, weights / (1 - self.p), weights.new_zeros(()))
