"""What the exercises of 05-applications quote."""

from __future__ import annotations

import math

import pytest
import torch
from quoting import binary, count, quoted, softmax
from torch import nn


def test_gates() -> None:
    opened = 1 / (1 + math.exp(-2))
    quoted("attention_gate", f"{opened:.3f}", f"{3 * opened:.3f}")
    assert torch.sigmoid(torch.full((8,), -89.0)).max() == 0 < torch.sigmoid(torch.full((8,), -88.0)).min()
    C, hidden = 256, 32
    quoted("channel_attention", count(2 * C * hidden), count(2 * C * hidden + C + hidden), count(9 * C**2))
    assert 2 * C * hidden + C + hidden < 0.03 * 9 * C**2
    quoted("channel_attention", f"{1 / 256:.3f}")


def test_text_classifier() -> None:
    quoted("text_classifier", f"{-math.log(softmax(1, 0)[0]):.2f}")
    assert torch.softmax(torch.tensor([0.0, 200]), dim=0)[0] == 0
    torch.manual_seed(0)
    shares = []
    for _ in range(20):
        attention, embedding = nn.MultiheadAttention(64, 4, batch_first=True), nn.Embedding(50, 64, padding_idx=0)
        x = embedding(torch.cat([torch.randint(1, 50, (1, 4)), torch.zeros(1, 12, dtype=torch.long)], dim=1))
        shares.append(attention(x, x, x)[1][0, :4, 4:].sum(dim=-1).mean().item())
    assert sum(shares) / 20 == pytest.approx(0.73, abs=0.02)
    quoted("text_classifier", "73 %")


def test_applications_in_words() -> None:
    quoted("nlp_applications", binary(4096**2))
    quoted("vision_applications", count(224**2), count(196**2), f"{(576 / 196) ** 2:.1f}", str(196 - 147))
    small, large = ((4 * n * 768**2, 2 * n**2 * 768) for n in (196, 784))
    for numbers in zip(small, large, strict=True):
        for number in numbers:
            quoted("vision_applications", (f"{number / 1e9:.2f}", f"{number / 1e8:.1f} 亿"))
    quoted("vision_applications", f"{sum(large) / sum(small):.1f}")
