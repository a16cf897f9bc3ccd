"""How far two results are from each other, and how far they may be."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from grader.values.patience import look
from grader.values.tree import Path, together

TOLERANCE = {"float64": 1e-4, "float32": 1e-4, "float16": 1e-2, "bfloat16": 5e-2}
"""Allowed deviation by dtype, relative to the largest magnitude of the expected tensor.

float64 is judged like float32: taking a softmax in float32 is a common and sound choice. Sums here have at most a few
hundred terms, whose rounding stays a hundred times below 1e-4 in float32. bfloat16 carries 8 bits: scores of magnitude
3 are off by 2⁻⁷, the weights made of them by as much again, and so are the sums."""

FLOOR = 1e-2
"""Magnitude below which an expected tensor counts as zero: its deviation is then taken relative to this."""


class Difference(NamedTuple):
    """One place where two results differ. ``deviation`` is in units of magnitude, infinite if the structure differs."""

    kind: Literal["structure", "shape", "value"]
    path: Path
    deviation: float


def tolerance_of(dtype: str, asked: float | None) -> float:
    """The tolerance for results computed in a dtype; ``asked`` is the case's own, a floor for half precision."""
    usual = TOLERANCE[dtype]
    if asked is None:
        return usual
    return max(asked, usual) if usual > 1e-3 else asked


def differences(got: Any, expected: Any) -> list[Difference]:
    """Every place where two results differ at all, with how far; dtypes of floating-point tensors are not compared.

    Raises:
        TooDearError: the time for looking at answers is over.
    """
    look()
    pairs = together(got, expected, _same_structure)
    return [found for path, mine, right in pairs if (found := _difference(path, mine, right)) is not None]


def _same_structure(got: Any, expected: Any) -> bool:
    if isinstance(expected, dict):
        return bool(got.keys() == expected.keys())
    return len(got) == len(expected) and (isinstance(got, tuple) or not isinstance(expected, tuple))


def _difference(path: Path, got: Any, expected: Any) -> Difference | None:
    if isinstance(expected, tuple | list | dict):
        return Difference("structure", path, math.inf)
    if isinstance(expected, Tensor):
        if not isinstance(got, Tensor):
            return Difference("structure", path, math.inf)
        if got.shape != expected.shape:
            return Difference("shape", path, math.inf)
        deviation = tensor_deviation(got, expected)
    elif type(expected) is float:
        if type(got) not in (float, int):
            return Difference("structure", path, math.inf)
        deviation = _float_deviation(float(got), expected)
    elif type(got) is not type(expected):
        return Difference("structure", path, math.inf)
    else:
        deviation = 0.0 if got == expected else math.inf
    return Difference("value", path, deviation) if deviation > 0 else None


def tensor_deviation(got: Tensor, expected: Tensor) -> float:
    """The largest deviation of two tensors of one shape.

    Floating-point tensors deviate relative to the expected magnitude; others are equal or infinitely apart. A wrong
    dtype is not a wrong value.
    """
    if expected.numel() == 0:
        return 0.0
    if not expected.is_floating_point() or not got.is_floating_point():
        return 0.0 if torch.equal(got.to(torch.float64), expected.to(torch.float64)) else math.inf
    mine, right = got.to(torch.float64), expected.to(torch.float64)
    apart = float((mine - right).abs().max())
    magnitude = float(right.abs().max())
    if math.isfinite(apart) and math.isfinite(magnitude):
        return apart / max(magnitude, FLOOR)
    return float(_apart(mine, right).max())


def entries_close(mine: Tensor, other: Tensor, allowed: float) -> Tensor:
    """Which entries of two tensors of one shape are equal within ``allowed``; infinities and NaN equal their like."""
    a, b = mine.to(torch.float64), other.to(torch.float64)
    if a.numel():
        apart, magnitude = (a - b).abs(), float(b.abs().max())
        if math.isfinite(magnitude) and math.isfinite(float(apart.max())):
            return apart / max(magnitude, FLOOR) <= allowed
    return _apart(a, b) <= allowed


def first_wrong_index(got: Tensor, expected: Tensor) -> tuple[int, ...]:
    """The first index at which two tensors of one shape differ at least half as much as anywhere."""
    if not expected.is_floating_point() or not got.is_floating_point():
        return _first(got.to(torch.float64) != expected.to(torch.float64))
    apart = _apart(got.to(torch.float64), expected.to(torch.float64))
    return _first(apart >= min(float(apart.max()), 1e30) / 2)


def _apart(mine: Tensor, right: Tensor) -> Tensor:
    """Deviations entry by entry, where some entries are infinite or NaN: these equal only their like."""
    agree = (mine == right) | (mine.isnan() & right.isnan())
    finite = right[right.isfinite()]
    magnitude = max(float(finite.abs().max()) if finite.numel() else 0.0, FLOOR)
    return torch.where(agree, 0.0, (mine - right).abs() / magnitude).nan_to_num(nan=math.inf, posinf=math.inf)


def _float_deviation(got: float, expected: float) -> float:
    if got == expected or (math.isnan(got) and math.isnan(expected)):
        return 0.0
    deviation = abs(got - expected) / max(abs(expected) if math.isfinite(expected) else 0.0, FLOOR)
    return deviation if math.isfinite(deviation) else math.inf


def _first(where: Tensor) -> tuple[int, ...]:
    found = where.nonzero()
    return tuple(int(i) for i in found[0]) if found.numel() else ()


def worst(got: Any, expected: Any) -> float:
    """The largest deviation anywhere in two results."""
    return max((found.deviation for found in differences(got, expected)), default=0.0)
