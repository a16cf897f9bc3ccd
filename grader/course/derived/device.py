"""Does an answer work where its inputs are on an accelerator? Asked on any machine, of tensors that say they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from grader.course.derived import probes
from grader.course.derived.asking import Reference, arguments, probing, question
from grader.course.key import Question
from grader.values.tree import tensors
from grader.wire.calls import Call

ON_ACCELERATOR = "inputs on an accelerator"
"""Its reason, by which an exercise says that it does without it."""
MOST = 4
"""Bases for each target: those that differ in what is given."""


def asked(questions: Sequence[Question], bases: Sequence[int], reference: Reference) -> Iterator[Question]:
    """The questions about one target; on a real accelerator its own questions are asked there."""
    different: dict[Any, int] = {}
    for base in bases:
        call = questions[base].call
        if any(tensors(arguments(call))) and call.device == "cpu":
            different.setdefault(_what_is_given(call), base)
    for base in list(different.values())[:MOST]:
        call = questions[base].call
        moved = probing(call, probes.moved, *arguments(call))
        if reference.same(moved).value == {"made by": ""}:
            yield from question(questions, base, ON_ACCELERATOR, "dtype", moved, reference)


def _what_is_given(call: Call) -> Any:
    """By which calls are told apart: how many arguments there are, which names, and what options say."""
    options = {name: value for name, value in call.kwargs.items() if isinstance(value, bool | str)}
    return len(call.args), tuple(sorted(call.kwargs)), tuple(sorted(options.items())), repr(call.init_kwargs)
