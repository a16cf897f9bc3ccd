"""What the exercises of 03-positions quote."""

from __future__ import annotations

import math

import torch
from quoting import binary, count, quoted, reference


def table(length: int, base: float = 10_000.0, dtype: torch.dtype = torch.float64, d: int = 512) -> torch.Tensor:
    frequencies = base ** (-torch.arange(0, d, 2, dtype=dtype) / d)
    angles = torch.outer(torch.arange(length, dtype=dtype), frequencies)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


def test_sinusoidal_encoding() -> None:
    quoted("sinusoidal_encoding", f"{math.sin(1):.4f}", f"{math.cos(1):.4f}", f"{math.sin(0.01):.4f}")
    quoted("sinusoidal_encoding", *(count(2 * math.pi * base ** (510 / 512)) for base in (10_000, 100)))
    for base in (10_000.0, 100.0):
        rows = table(5_001, base)[[0, 100, 1_000, 5_000]]
        near, *far = (rows[1:] @ rows[0] / 256).tolist()
        quoted("sinusoidal_encoding", f"{near:.2f}".replace("-", "−"))
        assert base > 100 or max(map(abs, far)) < 0.1
    exact = table(5_000)
    error = (table(5_000, dtype=torch.float32) - exact).abs().max()
    quoted("sinusoidal_encoding", f"{error * 1e4:.0f}·10⁻⁴")
    quoted("sinusoidal_encoding", str(len(set(torch.arange(5_000).to(torch.bfloat16).tolist()))))
    assert len(set(map(tuple, exact[:, ::8].to(torch.bfloat16).tolist()))) == 5_000


def test_relative_attention() -> None:
    relative_index = reference("relative_attention")["relative_index"]
    quoted("relative_attention", str(relative_index(3, 4, 1).tolist()))
    decoding = (torch.arange(7) - 6).clamp(-2, 2) + 2
    quoted("relative_attention", str(decoding.tolist()), str(relative_index(1, 7, 2)[0].tolist()))
    gathered, first = 1024**2 * 64, 1024 * 33
    quoted("relative_attention", (f"{gathered / 1e6:.0f}", count(gathered // 10**6 * 100)))
    quoted("relative_attention", (f"{first / 1e3:.0f}", f"{first / 1e4:.1f}"))


def test_the_shift_of_transformer_xl() -> None:
    """Put zeros in front, read as (L + 1, L), drop the first row: what is on and below the diagonal is right."""
    L = 6
    distances = torch.arange(L - 1, -1, -1).expand(L, L)
    shifted = torch.cat([torch.zeros(L, 1), distances], dim=1).view(L + 1, L)[1:]
    wanted = torch.arange(L)[:, None] - torch.arange(L)
    assert (shifted == wanted).masked_select(wanted >= 0).all()


def test_attention_variants() -> None:
    quoted("attention_variants", f"{2**-0.5:.3f}", f"{2 * math.tanh(4):.4f}")
    quoted("attention_variants", binary(1024**2 * 64 * 4), binary(1024**2 * 4))
    quoted("attention_variants", (f"{1024**2 * 64 / 1e6:.0f} million", count(1024**2 * 64 // 10**6 * 100)))
