"""Calls with other sizes and other numbers, made of a call.

Sizes that are equal in a call are one size by another name, as authors keep different ones different; so a size is
changed wherever it stands: in tensors, in nested lists, among the arguments, and in those of the constructor.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from grader.wire.calls import Call

Sizes = Mapping[int, int]
"""What sizes become."""


class Redrawn:
    """Draws calls that are like a given one.

    Args:
        seed: of all that is drawn.
    """

    def __init__(self, seed: str) -> None:
        self.rand = random.Random(seed)
        self.torch = torch.Generator().manual_seed(self.rand.getrandbits(40))

    def resized(self, call: Call, sizes: Sizes) -> Call:
        """The call with its sizes changed and its tensors' numbers drawn anew; without a state."""
        args, kwargs = self.anew(call.args, sizes), self.anew(call.kwargs, sizes)
        init = None if call.init is None else self.anew(call.init, sizes)
        init_kwargs = self.anew(call.init_kwargs, sizes)
        plain = replace(call, args=args, kwargs=kwargs, init=init, init_kwargs=init_kwargs, state=None)
        return replace(plain, measure=False, twice=False)

    def anew(self, value: Any, sizes: Sizes) -> Any:
        """An argument with other sizes and other numbers."""
        numbers = as_tensor(value)
        if numbers is not None:
            drawn = self._tensor(numbers, sizes)
            return drawn if isinstance(value, Tensor) else drawn.tolist()
        match value:
            case tuple():
                return tuple(self.anew(part, sizes) for part in value)
            case list():
                return [self.anew(part, sizes) for part in value]
            case dict():
                return {key: self.anew(part, sizes) for key, part in value.items()}
            case bool():
                return value
            case int():
                return sizes.get(value, value)
            case float():
                return self.number(value)
        return value

    def number(self, value: float) -> float:
        """A number among the arguments: an option, which stays as it is."""
        return value

    def _tensor(self, old: Tensor, sizes: Sizes) -> Tensor:
        new = old
        for axis, size in enumerate(old.shape):
            wanted = sizes.get(size, size)
            places = torch.randperm(max(size, 1), generator=self.torch)
            places = places.repeat(wanted // max(size, 1) + 1)[:wanted] if size else places[:0]
            new = new.index_select(axis, places)
        if not old.is_floating_point():
            return new
        if not bool((old.abs() < 6).all()):
            return new  # what is extreme is so by design
        noise = torch.randn(new.shape, generator=self.torch, dtype=new.dtype)
        return noise * float(old.std()) if _is_spread(old) else new * (1 + 0.1 * noise)


def _is_spread(tensor: Tensor) -> bool:
    """Whether it looks like a draw of a normal distribution: of both signs, and most entries different."""
    different = len(set(tensor.flatten().tolist()))
    return tensor.numel() > 1 and bool((tensor < 0).any()) and different > tensor.numel() / 2


def sizes_in(call: Call) -> set[int]:
    """The sizes above 1 in a call."""
    found: set[int] = set()

    def look(value: Any) -> None:
        tensor = as_tensor(value)
        if tensor is not None:
            found.update(tensor.shape)
        elif isinstance(value, tuple | list | dict):
            for part in value.values() if isinstance(value, dict) else value:
                look(part)
        elif type(value) is int and 1 < value < 1000:
            found.add(value)

    for value in (call.args, call.kwargs, call.init or (), call.init_kwargs):
        look(value)
    return {size for size in found if size > 1}


def changed(call: Call, change: Callable[[Tensor], Tensor]) -> Call:
    """The call with each of its tensors changed."""

    def one(value: Any) -> Any:
        if isinstance(value, Tensor):
            return change(value)
        if isinstance(value, dict):
            return {key: one(part) for key, part in value.items()}
        return type(value)(one(part) for part in value) if isinstance(value, tuple | list) else value

    return replace(call, args=one(call.args), kwargs=one(call.kwargs))


def strided(tensor: Tensor) -> Tensor:
    """The same entries in another order of memory, every second one."""
    if tensor.dim() == 0:
        return tensor
    spread = torch.zeros(*reversed(tensor.shape), 2, dtype=tensor.dtype)[..., 0]
    out = spread.permute(*reversed(range(tensor.dim())))
    return out.copy_(tensor)


def as_tensor(value: Any) -> Tensor | None:
    """A tensor, or a nested list of numbers as one."""
    if isinstance(value, Tensor):
        return value
    if not isinstance(value, list) or not value:
        return None
    try:
        tensor = torch.tensor(value)
    except (TypeError, ValueError, RuntimeError):
        return None
    return tensor.double() if tensor.is_floating_point() else tensor
