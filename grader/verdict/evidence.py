"""What is wrong with the outcome of a call, facet by facet. Checks score these facts, the diagnosis explains them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from torch import Tensor

from grader.course.key import Question
from grader.course.trusted import function_in
from grader.text import Text
from grader.values.compare import Difference, differences, tolerance_of, worst
from grader.values.tree import Path, at, leaves, together
from grader.verdict import messages
from grader.wire.calls import Outcome

Facet = Literal[
    "ended",
    "raised",
    "structure",
    "shape",
    "value",
    "fault",
    "dtype",
    "gradient",
    "changed",
    "again",
    "forbidden",
    "largest",
]
_WORST_FIRST = ("structure", "shape", "value")
ANSWER_FACETS: tuple[Facet, ...] = ("ended", "raised", "structure", "shape", "value", "fault")
"""Facets that make the answer itself wrong; the others are about how it was made."""


@dataclass(frozen=True)
class Problem:
    """One facet of one call that is not as it should be."""

    case: int
    facet: Facet
    where: Difference | None = None
    names: tuple[str, ...] = ()
    text: Text | None = None

    @property
    def key(self) -> tuple[int, Facet]:
        """What identifies a problem among those of a submission."""
        return self.case, self.facet

    @property
    def path(self) -> Path:
        """Where in the answer it is."""
        return self.where.path if self.where else ()

    def part_of(self, value: Any) -> Any:
        """The part of a result that it is about."""
        return at(value, self.path)

    def inside(self) -> Problem:
        """The same, of the part of a result that its path goes into first."""
        assert self.where is not None
        return replace(self, where=self.where._replace(path=self.path[1:]))


def problems_of(index: int, question: Question, got: Outcome, device: str = "cpu") -> list[Problem]:
    """Everything wrong with the outcome of one call."""
    if got.ended:
        return [Problem(index, "ended", names=(got.ended,))]
    if question.raises is not None:
        right = got.raised is not None and question.raises in got.raised.bases
        return [] if right else [Problem(index, "raised")]
    if got.raised is not None:
        return [Problem(index, "raised"), *_forbidden(index, got)]
    if question.base is not None:
        return list(_answer(index, question, got))
    return [*_answer(index, question, got), *_conduct(index, question, got, device)]


def countable(problems: Sequence[Problem], questions: Sequence[Question]) -> list[Problem]:
    """The problems without those in which nothing new is to be seen.

    These are of derived questions whose base is answered wrongly, and of questions that need all others to be right.
    """
    wrong = wrongly_answered(problems, questions)
    return [
        problem
        for problem in problems
        if questions[problem.case].base not in wrong and not (wrong and questions[problem.case].needs_the_rest)
    ]


def wrongly_answered(problems: Sequence[Problem], questions: Sequence[Question]) -> set[int]:
    """The author's questions that are answered wrongly, but for those that need all others to be right."""
    wrong = {problem.case for problem in problems if problem.facet in ANSWER_FACETS}
    return {i for i in wrong if questions[i].base is None and not questions[i].needs_the_rest}


def _answer(index: int, question: Question, got: Outcome) -> Iterator[Problem]:
    if question.fault:
        fault = _fault(question, got)
        if fault is not None:
            yield Problem(index, "fault", text=fault)
        return
    allowed = tolerance_of(question.call.dtype, question.tolerance)
    wrong = [found for found in differences(got.value, question.right.value) if found.deviation > allowed]
    if not wrong:
        return
    first = min(wrong, key=lambda found: _WORST_FIRST.index(found.kind))
    yield Problem(index, first.kind, first)


def _conduct(index: int, question: Question, got: Outcome, device: str) -> Iterator[Problem]:
    call = question.call
    dtypes = () if question.fault else tuple(wrong_dtypes(question, got))
    if dtypes:
        yield Problem(index, "dtype", names=dtypes)
    elif any(place != device.split(":")[0] for place in got.devices):
        yield Problem(index, "dtype", names=tuple(f"on {place}" for place in got.devices))
    if call.gradients:
        wrong = tuple(_wrong_gradients(question, got))
        if wrong or got.gradient_error:
            yield Problem(index, "gradient", names=wrong)
    if got.changed:
        yield Problem(index, "changed", names=tuple(got.changed))
    if call.twice and worst(got.again, got.value) > tolerance_of(call.dtype, None):
        yield Problem(index, "again")
    yield from _forbidden(index, got)
    if question.max_elements is not None and got.largest > question.max_elements:
        yield Problem(index, "largest", names=(str(got.largest),))


def _forbidden(index: int, got: Outcome) -> list[Problem]:
    return [Problem(index, "forbidden", names=tuple(got.seen))] if got.seen else []


def wrong_dtypes(question: Question, got: Outcome) -> Iterator[str]:
    """What the dtypes of an answer are, each with what it should be."""
    for _, mine, right in together(got.value, question.right.value, same_length):
        if isinstance(mine, Tensor) and isinstance(right, Tensor):
            wanted = f"torch.{question.call.dtype}" if right.is_floating_point() else str(right.dtype)
            if str(mine.dtype) != wanted:
                yield f"{mine.dtype} instead of {wanted}".replace("torch.", "")


def same_length(got: Any, expected: Any) -> bool:
    """Whether two parts of results are gone through together; a dictionary may lack keys."""
    return isinstance(expected, dict) or len(got) == len(expected)


def _wrong_gradients(question: Question, got: Outcome) -> Iterator[str]:
    allowed = max(tolerance_of(question.call.dtype, question.tolerance), 2e-4)
    mine = got.gradients or {}
    for name, right in (question.right.gradients or {}).items():
        if right is None:
            continue
        found = mine.get(name)
        # A gradient that never arrives is the same as zeros.
        if (found is None and bool(right.abs().max() > 1e-9)) or (found is not None and worst(found, right) > allowed):
            yield name


def _fault(question: Question, outcome: Outcome) -> Text | None:
    right = question.right.value
    if not _all_finite(outcome.value) and _all_finite(right):  # every comparison with NaN is false
        return messages.NOT_FINITE
    try:
        fault: Text | None = function_in(question.fault)(outcome.value, right)
    except Exception:
        return messages.NOT_THE_FORM
    return fault


def _all_finite(value: Any) -> bool:
    return all(map(_finite, (leaf for _, leaf in leaves(value))))


def _finite(leaf: Any) -> bool:
    if isinstance(leaf, Tensor):
        return bool(leaf.isfinite().all())
    return not isinstance(leaf, float) or math.isfinite(leaf)
