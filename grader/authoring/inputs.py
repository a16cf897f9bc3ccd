"""Seeded inputs of cases."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor


class Inputs:
    """Seeded inputs. The seed comes from the exercise's id, so that the same cases are made everywhere."""

    def __init__(self, seed: str) -> None:
        number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big") >> 1
        self.generator = torch.Generator().manual_seed(number)

    def normal(self, *shape: int, std: float = 1.0) -> Tensor:
        """N(0, std²), float32."""
        return torch.randn(*shape, generator=self.generator) * std

    def uniform(self, *shape: int) -> Tensor:
        """Uniform on [0, 1), float32."""
        return torch.rand(*shape, generator=self.generator)

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """Uniform on low … high-1, int64."""
        return torch.randint(low, high, shape, generator=self.generator)

    def mask(self, *shape: int, keep: float = 0.6) -> Tensor:
        """Boolean, True with probability ``keep``; every row of the last axis keeps at least one True."""
        mask = self.uniform(*shape) < keep
        forced = self.integers(0, shape[-1], *shape[:-1], 1)
        return mask.scatter(-1, forced, True)

    def qkv(self, *batch: int, L: int, S: int, d: int, d_v: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Query (…, L, d), key (…, S, d), value (…, S, d_v)."""
        return self.normal(*batch, L, d), self.normal(*batch, S, d), self.normal(*batch, S, d_v or d)
