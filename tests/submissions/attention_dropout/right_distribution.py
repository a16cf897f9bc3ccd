import torch
from torch import nn
from torch.distributions import Bernoulli


class AttentionDropout(nn.Module):
    def __init__(self, p):
        super().__init__()
        if not (p >= 0 and p <= 1):
            raise ValueError("0 <= p <= 1")
        self.keep = 1.0 - p
        self.factor = 1.0 / self.keep if self.keep > 0 else 0.0

    def forward(self, weights):
        if not self.training or self.keep == 1.0:
            return weights.clone()
        prob = torch.tensor(self.keep, device=weights.device)
        mask = Bernoulli(probs=prob).sample(weights.shape).bool()
        return torch.where(mask, weights * self.factor, torch.zeros_like(weights))
