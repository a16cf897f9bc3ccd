from __future__ import annotations

import torch
from torch import Tensor, nn


def dropped_positions(count: int, p: float, device) -> Tensor:
    return torch.nonzero(torch.rand(count, device=device) < p).flatten()


class AttentionDropout(nn.Module):
    def __init__(self, p: float) -> None:
        super().__init__()
        if not (p >= 0 and p <= 1):
            raise ValueError("need 0 <= p <= 1")
        self._p = float(p)

    def train(self, mode: bool = True):
        self._active = mode and self._p > 0
        return super().train(mode)

    def forward(self, weights: Tensor) -> Tensor:
        if not (self.training and self._p > 0):
            return weights.clone()
        flat = weights.reshape(-1)
        flat = flat.index_fill(0, dropped_positions(flat.numel(), self._p, flat.device), 0.0)
        return (flat / (1.0 - self._p or 1.0)).reshape(weights.shape)
