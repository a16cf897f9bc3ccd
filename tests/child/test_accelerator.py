"""On an accelerator that is not there, what fails on a real one fails, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grader.child.accelerator import on_accelerator

TABLE = torch.ones(5, 8)


def causal(x: Tensor) -> Tensor:
    mask = torch.ones(5, 5, dtype=torch.bool, device=x.device).tril()
    return (x @ x.mT).masked_fill(~mask, float("-inf")).softmax(-1) @ x


def moved_afterwards(x: Tensor) -> Tensor:
    return x @ x.mT + torch.full((5, 5), float("-inf")).triu(1).to(x.device)


def of_the_same_type(x: Tensor) -> Tensor:
    return x.new_ones(5, 5) @ x + torch.ones(5, 8).type_as(x) + torch.zeros(5, 8).to(x)


def by_single_numbers(x: Tensor) -> Tensor:
    return torch.stack([row * torch.tensor(2.0) for row in x])[:, torch.arange(5)]


def written_into(x: Tensor) -> Tensor:
    out = torch.zeros_like(x)
    out[:, 0] = torch.zeros(8)
    return out + x


def mapped(x: Tensor) -> Any:
    return torch.vmap(lambda row: row @ row.mT + torch.eye(5))(x)


def raising(x: Tensor) -> Tensor:
    torch.Generator(device=x.device)
    return torch.zeros(3)


class Buffered(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True)
        self.register_buffer("scale", torch.ones(5, 5))

    def forward(self, x: Tensor) -> Tensor:
        scale: Any = self.scale
        attended: Tensor = self.attend(x, x, x)[0]
        return scale @ self.linear(attended)


def mask_on_the_cpu(x: Tensor) -> Tensor:
    mask = torch.tril(torch.ones(5, 5, dtype=torch.bool))
    return (x @ x.mT).masked_fill(~mask, float("-inf")).softmax(-1) @ x


def answer_on_the_cpu(x: Tensor) -> Tensor:
    out = torch.zeros(x.shape)
    for i, row in enumerate(x):
        out[i] = row
    return out


def through_numpy(x: Tensor) -> Tensor:
    return torch.from_numpy(np.exp(x.numpy()))


def brought_back(x: Tensor) -> Tensor:
    return x.cpu().softmax(-1)


def global_table(x: Tensor) -> Tensor:
    return x + TABLE


class Attribute(Buffered):
    def __init__(self) -> None:
        super().__init__()
        self.mask = torch.ones(5, 5)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(self.mask, self.mask) @ x


RIGHT = [
    causal,
    moved_afterwards,
    of_the_same_type,
    by_single_numbers,
    written_into,
    mapped,
    raising,
    Buffered(),
]
WRONG = [
    (mask_on_the_cpu, "torch.ones"),
    (answer_on_the_cpu, "torch.zeros"),
    (through_numpy, ".numpy()"),
    (brought_back, ".cpu()"),
    (global_table, "TABLE"),
    (Attribute(), "self.mask"),
]


@pytest.mark.parametrize("target", RIGHT, ids=lambda target: getattr(target, "__name__", type(target).__name__))
def test_what_works_there_passes(target: Any) -> None:
    assert on_accelerator(target, (torch.randn(2, 5, 8),), {}) == {"made by": ""}


@pytest.mark.parametrize(("target", "made_by"), WRONG, ids=[made_by for _, made_by in WRONG])
def test_what_stays_on_the_cpu_is_named(target: Any, made_by: str) -> None:
    assert on_accelerator(target, (torch.randn(2, 5, 8),), {}) == {"made by": made_by}


def test_nothing_is_left_behind() -> None:
    x = torch.randn(2, 5, 8)
    on_accelerator(causal, (x,), {})
    assert x.device == torch.device("cpu")
