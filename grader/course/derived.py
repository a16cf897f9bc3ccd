"""Questions that the grader asks of every exercise, made of those of its author: is anything kept between calls?

Each repeats one of the author's, its base, among other calls on one object. It has no check of its own: its problems
count where the inputs are looked after, and only if the base alone is answered rightly.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from grader.course.key import Question
from grader.course.trusted import shapes_in
from grader.values.compare import worst
from grader.values.tree import map_leaves, tensors
from grader.wire.calls import Call, Outcome

IN_TURN, THROUGH_MODES = "other calls in between", "training and evaluation in turn"
"""Their reasons, by which an exercise says that it does without one."""
PROBABILITY = 0.5
"""Of dropout, where a module lets it be chosen."""
DRAWS = 8
"""Of random numbers, before it is believed that there are none."""

_IN_TURN = """
def in_turn(target, calls):
    return {name: target(*args, **kwargs) for name, (args, kwargs) in calls.items()}
"""
_DIFFERING = """
import torch

def parts(tree):
    if isinstance(tree, dict):
        tree = list(tree.values())
    return [leaf for part in tree for leaf in parts(part)] if isinstance(tree, (tuple, list)) else [tree]

def differ(mine, other):
    both = list(zip(parts(mine), parts(other)))
    return any(torch.is_tensor(a) and (a.shape != b.shape or not torch.allclose(a, b)) for a, b in both)
"""
_THROUGH_MODES = f"""{_DIFFERING}
def through_modes(module, draws, args, kwargs):
    def answer(training):
        module.train(training)
        return module(*args, **kwargs)

    def in_training():
        answers = []
        while len(answers) < draws and not (answers and differ(answers[-1], first)):
            answers.append(answer(True))
        return answers

    first = answer(False)
    found = {{"in evaluation": first, "at first": in_training()}}
    found |= {{"in evaluation after training": answer(False), "after evaluation": in_training()}}
    answer(False)
    with torch.no_grad():
        found["without gradients"] = in_training()
    return found
"""
_WHAT_DIFFERS = f"""{_DIFFERING}
def what_differs(found, draws, args, kwargs):
    first = found["in evaluation"]
    in_training = {{
        when: any(differ(answer, first) for answer in found[when])
        for when in ("at first", "after evaluation", "without gradients")
    }}
    return {{**found, **in_training}}
"""

Right = Callable[[Call], Outcome]


def derived(questions: Sequence[Question], modules: Mapping[str, type], right: Right) -> Iterator[Question]:
    """The questions that follow from an exercise's own.

    Args:
        questions: its own.
        modules: the reference's classes for targets that are modules: these have a mode.
        right: answers a call.
    """
    for target in dict.fromkeys(question.call.target for question in questions):
        bases = [i for i, question in enumerate(questions) if question.call.target == target and _can_be_base(question)]
        if bases:
            yield from _asked(questions, bases[0], IN_TURN, in_turn(questions[bases[0]].call), right)
        if bases and target in modules:
            yield from _modes(questions, bases, modules[target], right)


def _can_be_base(question: Question) -> bool:
    call = question.call
    plain = question.is_plain and question.is_direct and question.right.raised is None
    return plain and not call.train and call.dtype == "float32" and any(tensors((call.args, call.kwargs)))


def _asked(
    questions: Sequence[Question], base: int, reason: str, call: Call, right: Right, summary: str = ""
) -> Iterator[Question]:
    answer = right(call)
    if answer.raised is None:
        tolerance, shapes = questions[base].tolerance, shapes_in(answer.value)
        asked = Question(reason, "state", call, answer, tolerance, summary=summary, shapes=shapes, base=base)
        yield replace(asked, right=asked.summed_up(answer))


def in_turn(call: Call) -> Call:
    """A call, the same with other numbers, and it again, on one object."""
    mine = (call.args, call.kwargs)
    calls = {"first": mine, "then": map_leaves(_other_numbers(mine), mine), "again": mine}
    return _probing(call, "in_turn", _IN_TURN, (calls,))


def _with_dropout(call: Call, module: type) -> Call:
    """The call of a module that drops out, where it has such a parameter."""
    assert call.init is not None
    for place, name in enumerate(inspect.signature(module).parameters):
        if name.startswith("dropout") and place >= len(call.init):
            return replace(call, init_kwargs={**call.init_kwargs, name: PROBABILITY})
    return call


def _modes(questions: Sequence[Question], bases: Sequence[int], module: type, right: Right) -> Iterator[Question]:
    """For the first base in which something is random in training, if there is one."""
    for base in bases:
        call = _through_modes(_with_dropout(questions[base].call, module), DRAWS)
        for asked in _asked(questions, base, THROUGH_MODES, call, right, _WHAT_DIFFERS):
            if asked.right.value["at first"]:
                yield asked
                return
    call = _through_modes(questions[bases[0]].call, 1)
    yield from _asked(questions, bases[0], THROUGH_MODES, call, right, _WHAT_DIFFERS)


def _through_modes(call: Call, draws: int) -> Call:
    return _probing(call, "through_modes", _THROUGH_MODES, (draws, call.args, call.kwargs))


def _probing(call: Call, name: str, text: str, args: tuple[Any, ...]) -> Call:
    plain = replace(call, args=args, kwargs={}, gradients=False, twice=False, measure=False, watched=())
    return replace(plain, probe=text, probe_name=name)


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
