from __future__ import annotations

import torch
from torch import Tensor


class SoftDict:
    def __init__(self, keys: Tensor, values: Tensor) -> None:
        self.keys, self.values = keys, values

    def weights(self, query: Tensor, temperature: float) -> Tensor:
        column = query.unsqueeze(1)  # (d, 1)
        return torch.softmax(self.keys.matmul(column).div(temperature), dim=0)  # (S, 1)

    def lookup(self, query: Tensor, temperature: float) -> Tensor:
        return self.values.t().matmul(self.weights(query, temperature)).squeeze(1)


def soft_lookup(query: Tensor, keys: Tensor, values: Tensor, temperature: float) -> Tensor:
    if temperature > 0:
        return SoftDict(values=values, keys=keys).lookup(query, float(temperature))
    raise ValueError("temperature")
