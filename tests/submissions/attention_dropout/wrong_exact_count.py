# family: numerics, masking, normalization
# mistake: drops exactly round(p * n) entries of the tensor, chosen by a permutation, instead of each entry independently with probability p.
import torch
from torch import nn


class AttentionDropout(nn.Module):
    def __init__(self, p):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p")
        self.p = p

    def forward(self, weights):
        if not self.training or self.p == 0:
            return weights
        if self.p == 1:
            return weights * 0
        n = weights.numel()
        keep = torch.ones(n, dtype=torch.bool, device=weights.device)
        keep[torch.randperm(n, device=weights.device)[: round(self.p * n)]] = False
        return weights * keep.view(weights.shape) / (1 - self.p)
