import torch
import torch.nn as nn
from torch import Tensor


class AttentionDropout(nn.Module):
    def __init__(self, p: float = 0.1) -> None:
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError("dropout probability has to be between 0 and 1")
        self.p = float(p)

    def extra_repr(self) -> str:
        return f"p={self.p}"

    def forward(self, weights: Tensor) -> Tensor:
        if self.training and self.p > 0:
            drop = torch.rand(weights.shape, device=weights.device) < self.p
            weights = weights.masked_fill(drop, 0.0)
            if self.p < 1:
                weights = weights / (1.0 - self.p)
        return weights
