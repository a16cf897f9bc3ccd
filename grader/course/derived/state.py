"""Is anything kept between calls?"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from grader.course.derived import probes, summaries
from grader.course.derived.asking import Reference, arguments, probing, question
from grader.course.key import Question
from grader.values.compare import worst
from grader.values.tree import map_leaves, tensors
from grader.wire.calls import Call

IN_TURN, THROUGH_MODES = "other calls in between", "training and evaluation in turn"
SEEDED = "the caller's random numbers"
"""Their reasons, by which an exercise says that it does without one."""
PROBABILITY = 0.5
"""Of dropout, where a module lets it be chosen."""
DRAWS = 8
"""Of random numbers, before it is believed that there are none."""


def asked(
    questions: Sequence[Question], bases: Sequence[int], module: type | None, reference: Reference
) -> Iterator[Question]:
    """The questions about one target.

    Args:
        questions: the author's.
        bases: those that can be asked again.
        module: the reference's class, if the target is a module: this has a mode.
        reference: answers.
    """
    telling = [i for i in bases if any(tensors(arguments(questions[i].call)))]
    if not telling:
        return
    base, call = telling[0], questions[telling[0]].call
    yield from question(questions, base, IN_TURN, "state", in_turn(call, reference), reference)
    seeded = probing(call, probes.draws_afterwards, *arguments(call))
    yield from question(questions, base, SEEDED, "state", seeded, reference, summaries.the_seed_counts)
    if module is not None:
        yield from _modes(questions, telling, module, reference)


def has_float64(call: Call) -> bool:
    """Whether the device of a call computes in float64."""
    return not call.device.startswith("mps")


def in_turn(call: Call, reference: Reference) -> Call:
    """A call, others that differ from it in one thing each, and it again, on one object."""
    mine = arguments(call)
    others = {
        "then": map_leaves(_other_numbers(mine), mine),
        "with another mask": map_leaves(_another_mask, mine),
        "without what was given by name": (call.args, {}),
        "in float64": arguments(call.cast("float64")) if call.init is None and has_float64(call) else mine,
    }

    def may_be(args: Any, kwargs: Any) -> bool:
        return not _same((args, kwargs), mine) and reference.stands(replace(call, args=args, kwargs=kwargs))

    between = {name: other for name, other in others.items() if may_be(*other)}
    return probing(call, probes.in_turn, {"first": mine, **between, "again": mine})


def _same(one: Any, other: Any) -> bool:
    ours, theirs = dict(tensors(one)), dict(tensors(other))
    return ours.keys() == theirs.keys() and all(
        mine.dtype == theirs[path].dtype and torch.equal(mine, theirs[path]) for path, mine in ours.items()
    )


def with_dropout(call: Call, module: type, probability: float) -> Call:
    """The call of a module that drops out, where it has such a parameter."""
    assert call.init is not None
    for place, name in enumerate(inspect.signature(module).parameters):
        if name.startswith("dropout") and place >= len(call.init):
            return replace(call, init_kwargs={**call.init_kwargs, name: probability})
    return call


def _modes(
    questions: Sequence[Question], bases: Sequence[int], module: type, reference: Reference
) -> Iterator[Question]:
    """For the first base in which something is random in training, if there is one."""
    for base in bases:
        call = _through_modes(with_dropout(questions[base].call, module, PROBABILITY), DRAWS)
        for asked in _through(questions, base, call, reference):
            if asked.right.value["at first"]:
                yield asked
                return
    yield from _through(questions, bases[0], _through_modes(questions[bases[0]].call, 1), reference)


def _through(questions: Sequence[Question], base: int, call: Call, reference: Reference) -> Iterator[Question]:
    return question(questions, base, THROUGH_MODES, "state", call, reference, summaries.what_differs)


def _through_modes(call: Call, draws: int) -> Call:
    return probing(call, probes.through_modes, draws, *arguments(call))


def _another_mask(value: Any) -> Any:
    """A mask moved along by one key; where all keys are alike, the first one is not."""
    if not isinstance(value, Tensor) or value.dtype != torch.bool or not value.dim():
        return value
    moved = value.roll(1, -1)
    if torch.equal(moved, value) and value.shape[-1] > 1:
        moved[..., 0] = ~moved[..., 0]
    return moved


def _other_numbers(inputs: Any) -> Callable[[Any], Any]:
    """Changes the floating-point inputs, or where there are none the order of the items of a batch."""
    finite = [bool(tensor.isfinite().all()) for _, tensor in tensors(inputs) if tensor.is_floating_point()]

    def other(value: Any) -> Any:
        if not isinstance(value, Tensor) or value.dim() == 0:
            return value
        if not any(finite):
            return value.roll(1, 0) if value.dtype != torch.bool else value
        if not value.is_floating_point() or not bool(value.isfinite().all()):
            return value
        moved = value.roll(1, 0).roll(1, -1)
        return moved if worst(moved, value) > 0 else value / 2

    return other
