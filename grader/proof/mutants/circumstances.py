"""One call in other circumstances: other numbers, masks, dtypes, modes, and in turn with others."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from grader.course.resizing import changed, sizes_in, strided
from grader.course.trusted import run_call
from grader.proof.mutants.asking import asking
from grader.proof.mutants.unseen import Unseen
from grader.values.tree import leaves, tensors
from grader.wire.calls import Call

DRAWS = 300
"""Of what is random, in whose mean something is seen."""

Circumstance = tuple[str, Call]
"""What is otherwise, and the call."""


def circumstances(base: Call, scope: dict[str, Any], unseen: Unseen) -> Iterator[Circumstance]:
    """A call in circumstances that any function or module should stand.

    Args:
        base: the call.
        scope: what the reference defines.
        unseen: draws numbers.
    """
    yield from _other_numbers(base)
    yield from _other_masks(base, unseen)
    plain = replace(base, gradients=False)
    yield "inference", asking(plain, "inference")
    yield "without gradients", asking(plain, "without_gradients", 0)
    yield from _in_turn(base, scope, unseen)
    if is_module(base, scope):
        yield "after .double()", asking(plain, "after_conversion")
        yield "training", replace(base, train=True)
        yield "modes", asking(plain, "through_modes", [True, False, False, True, False])


def is_module(call: Call, scope: dict[str, Any]) -> bool:
    """Whether what is called is a module."""
    target = scope.get(call.target)
    return call.init is not None and isinstance(target, type) and issubclass(target, nn.Module)


def _other_numbers(base: Call) -> Iterator[Circumstance]:
    for dtype in ("float64", "bfloat16"):
        yield dtype, base.cast(dtype)
    yield "another order of memory", changed(base, strided)
    floating = [x for _, x in tensors((base.args, base.kwargs)) if x.is_floating_point()]
    for number, tensor in enumerate(floating):
        for factor in (0.02, 30.0):
            yield f"tensor {number} times {factor}", changed(base, _in_place_of(tensor, tensor * factor))
    for said, value in (("zeros", 0.0), ("ones", 1.0)):
        alike = base
        for tensor in floating:
            alike = changed(alike, _in_place_of(tensor, torch.full_like(tensor, value)))
        yield said, alike


def _other_masks(base: Call, unseen: Unseen) -> Iterator[Circumstance]:
    masks = [x for _, x in tensors((base.args, base.kwargs)) if x.dtype == torch.bool]
    for number, mask in enumerate(masks):
        for said, other in _masks(mask, unseen):
            yield f"mask {number} {said}", changed(base, _in_place_of(mask, other))


def _masks(mask: Tensor, unseen: Unseen) -> Iterator[tuple[str, Tensor]]:
    yield "all True", torch.ones_like(mask)
    yield "all False", torch.zeros_like(mask)
    if mask.dim():
        yield "at random", torch.rand(mask.shape, generator=unseen.torch) < 0.5
        one_empty, last_only = torch.ones(mask.shape, dtype=torch.bool), torch.zeros(mask.shape, dtype=torch.bool)
        one_empty.view(-1, mask.shape[-1])[0] = False
        last_only[..., -1] = True
        yield "with an empty row", one_empty
        yield "with one key", last_only


def _in_place_of(old: Tensor, new: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda tensor: new if tensor is old else tensor


def _in_turn(base: Call, scope: dict[str, Any], unseen: Unseen) -> Iterator[Circumstance]:
    """Calls on one object: some of other sizes, some of the same, and some with one argument changed."""
    fixed = {value for _, value in leaves((base.init or (), base.init_kwargs)) if type(value) is int}

    def other_sizes() -> Call:
        call = base
        for size in sorted(sizes_in(base) - fixed)[:2]:
            smaller = replace(unseen.resized(call, {size: max(1, size - 1)}), state=base.state, gradients=False)
            if run_call(smaller, scope).raised is None:
                call = smaller
        return call

    def asked(*calls: Call) -> Call:
        return asking(base, "in_turn", [(call.args, call.kwargs) for call in calls])

    yield "calls in turn", asked(base, other_sizes(), other_sizes(), base)
    other = unseen.resized(base, {})
    yield "calls of one shape in turn", asked(base, other, base)
    last = replace(base, args=(*base.args[:-1], *other.args[-1:]))
    yield "the last argument changed in turn", asked(base, last, base)
    if base.kwargs:
        yield "without keywords in between", asked(base, replace(base, kwargs={}), base)


def dropping(base: Call, scope: dict[str, Any]) -> Iterator[Circumstance]:
    """A module that drops out in training, where its constructor has a parameter for it: what it gives on average."""
    assert base.init is not None
    names = list(inspect.signature(scope[base.target]).parameters)[len(base.init) :]
    name = next((name for name in names if name.startswith("dropout")), None)
    if name is None:
        return
    call = replace(base, init_kwargs={**base.init_kwargs, name: 0.4}, train=True, gradients=False)
    yield "many draws", asking(call, "spread", DRAWS)
    for turns in ([False, True], [True, False, True], [False, False, True]):
        yield f"many draws after {turns}", asking(call, "after_modes", turns, DRAWS)
    yield "many draws without gradients", asking(call, "without_gradients", DRAWS)
    settled = asking(replace(call, train=False), "through_modes", [False, True, False, False])
    yield "evaluation among training", settled
