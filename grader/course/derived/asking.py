"""What derived questions are made with."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from grader.authoring.cases import Family
from grader.course.key import Question
from grader.course.resizing import as_tensor
from grader.course.trusted import shapes_in
from grader.values.compare import tolerance_of, worst
from grader.values.tree import tensors
from grader.wire.calls import Call, Outcome

WELL_WITHIN = 0.2
"""Of a tolerance: so far may the reference's own answer in the dtype of a question be from that in float64."""

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True)
class Reference:
    """The right answers.

    Args:
        right: answers a call in float64.
        same: answers a call in its own dtype, as a submission does.
        fresh: gives a call of a module a state for the sizes that it is built in; None where it cannot be built.
        text: the code.
    """

    right: Callable[[Call], Outcome]
    same: Callable[[Call], Outcome]
    fresh: Callable[[Call], Call | None]
    text: str

    def stands(self, call: Call) -> bool:
        """Whether a call may be asked: the right answer is finite numbers, and does not hang on rounding."""
        right, same = self.right(call), self.same(call)
        if right.raised is not None or same.raised is not None:
            return False
        if not all(bool(x.isfinite().all()) for _, x in tensors(right.value) if x.is_floating_point()):
            return False
        return worst(same.value, right.value) <= WELL_WITHIN * tolerance_of(call.dtype, None)


def question(
    questions: Sequence[Question],
    base: int,
    reason: str,
    family: Family,
    call: Call,
    reference: Reference,
    summary: Callable[..., Any] | None = None,
) -> Iterator[Question]:
    """The question that a call makes, if the reference answers it."""
    answer = reference.right(call)
    if answer.raised is None:
        text = "" if summary is None else _text_of(summary)
        tolerance, shapes = questions[base].tolerance, shapes_in(answer.value)
        asked = Question(reason, family, call, answer, tolerance, summary=text, shapes=shapes, base=base)
        yield replace(asked, right=asked.summed_up(answer))


def alone(call: Call) -> Call:
    """A call, without what else an author looks at in it."""
    return replace(call, gradients=False, twice=False, measure=False, watched=())


def probing(call: Call, probe: Callable[..., Any], *given: Any) -> Call:
    """A call that asks a probe, a function that stands for itself: its text travels to the child."""
    return replace(alone(call), args=given, kwargs={}, names=(), probe=_text_of(probe), probe_name=probe.__name__)


def _text_of(function: Callable[..., Any]) -> str:
    return f"from __future__ import annotations\n{inspect.getsource(function)}"


def arguments(call: Call) -> Arguments:
    """What is called with."""
    return call.args, call.kwargs


def names_of(call: Call) -> tuple[str, ...]:
    """What the arguments that are given by position are called."""
    numbered = tuple(f"argument {i}" for i, _ in enumerate(call.args, 1))
    return call.names[: len(call.args)] if len(call.names) >= len(call.args) else numbered


def sizes_shown(call: Call) -> str:
    """What a call's sizes are, by the names of its parameters: ``q (2, 1, 4), k (2, 6, 4)``."""
    given: Mapping[str, Any] = dict(zip(names_of(call), call.args, strict=True)) | call.kwargs
    shown = [f"{name} {_size(value)}" for name, value in given.items() if isinstance(value, Tensor | int | list)]
    return ", ".join(shown)


def _size(value: Any) -> str:
    if isinstance(value, list):
        value = as_tensor(value)
    return str(tuple(value.shape)) if isinstance(value, Tensor) else str(value)
