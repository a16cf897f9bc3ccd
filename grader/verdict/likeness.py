"""How much two outcomes of one call are wrong in the same way."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from grader.course.key import Question
from grader.values.compare import entries_close, tolerance_of, worst
from grader.values.tree import tensors, together
from grader.verdict.evidence import ANSWER_FACETS, Facet, Problem, same_length, wrong_dtypes
from grader.wire.calls import Outcome, Raised


def likeness(
    question: Question, got: Outcome, problem: Problem, other: Outcome, its_problems: Mapping[Facet, Problem]
) -> float:
    """How much two outcomes are wrong in the same way, in one facet: from 0 to 1.

    Below 1 for values that are wrong alike in many places only, as when a second mistake spoils some rows.

    Args:
        question: the call.
        got, problem: what a submission gave, and what is wrong with it in this facet.
        other, its_problems: what a known mistake gives, and all that is wrong with it.
    """
    if problem.facet in ANSWER_FACETS and not any(facet in its_problems for facet in ANSWER_FACETS):
        return 0.0  # its answer is right
    if problem.facet == "fault":
        return float("fault" in its_problems and problem.text == its_problems["fault"].text)
    return float(_COMPARERS[problem.facet](question, got, other))


def _answers_alike(question: Question, got: Outcome, other: Outcome) -> float:
    if got.raised is not None or other.raised is not None or got.ended:
        both = got.raised is not None and other.raised is not None
        return float(both and _same_error(question, got.raised, other.raised))  # type: ignore[arg-type]
    return _values_alike(question, got.value, other.value)


def _came_back(
    comparer: Callable[[Question, Outcome, Outcome], float],
) -> Callable[[Question, Outcome, Outcome], float]:
    """Of a call that did not come back, nothing is known of its conduct."""

    def comparing(question: Question, got: Outcome, other: Outcome) -> float:
        return 0.0 if got.ended or got.raised is not None else comparer(question, got, other)

    return comparing


def _gradients_alike(question: Question, got: Outcome, other: Outcome) -> float:
    mine, theirs = got.gradients or {}, other.gradients or {}
    for name, their in theirs.items():
        found = mine.get(name)
        if (found is None) != (their is None):
            return 0.0
        if found is not None and their is not None and worst(found, their) > 1e-3:
            return 0.0
    return float(bool(got.gradient_error) == bool(other.gradient_error))


_COMPARERS: dict[Facet, Callable[[Question, Outcome, Outcome], float]] = {
    "ended": lambda question, got, other: got.ended == other.ended,
    "raised": _answers_alike,
    "structure": _answers_alike,
    "shape": _answers_alike,
    "value": _answers_alike,
    "dtype": _came_back(
        lambda question, got, other: list(wrong_dtypes(question, got)) == list(wrong_dtypes(question, other))
    ),
    "gradient": _came_back(_gradients_alike),
    "changed": _came_back(lambda question, got, other: bool(got.changed) and bool(other.changed)),
    "again": _came_back(lambda question, got, other: worst(got.again, got.value) > 0),
    "forbidden": _came_back(lambda question, got, other: bool(set(got.seen) & set(other.seen))),
    "largest": _came_back(lambda question, got, other: True),  # too large is too large
}


def _same_error(question: Question, mine: Raised, theirs: Raised) -> bool:
    """Whether two exceptions say the same; where another was wanted, both are as wrong."""
    if mine.type != theirs.type:
        return False
    if _speaks_of_a_tuple(mine) or _speaks_of_a_tuple(theirs):
        return _speaks_of_a_tuple(mine) and _speaks_of_a_tuple(theirs)
    return question.raises is not None or _said(mine) == _said(theirs)


def _speaks_of_a_tuple(raised: Raised) -> bool:
    """A tuple was used as a tensor. The second is what ``pair * tensor`` says; signatures have a tuple *of* ints."""
    said = raised.message.partition("expected one of")[0]
    return bool(re.search(r"\btuple\b(?! of)", said)) or "can be converted to an index" in said


def _said(raised: Raised) -> tuple[str, list[str]]:
    """What an exception says: the words, and the numbers in any order, since operands may stand in another.

    Of a state_dict that does not fit, the first line names the class, which may have any name; of a name that is not
    defined, the name is the learner's own.
    """
    message = raised.message.partition("\n")[2] if "state_dict" in raised.message else raised.message
    return re.sub(r"\d+", "#", message), sorted(re.findall(r"\d+", message))


def _values_alike(question: Question, got: Any, other: Any) -> float:
    expected = question.right.value
    allowed = max(tolerance_of(question.call.dtype, question.tolerance), 1e-3)
    if worst(got, other) <= allowed:
        return 1.0
    if any(isinstance(mine, str) and mine != theirs for _, mine, theirs in together(got, other, same_length)):
        return 0.0  # What is said in words says more than how many entries beside it are alike.
    wrong = alike = right = spoilt = 0
    for (_, mine), (_, theirs), (_, truth) in zip(tensors(got), tensors(other), tensors(expected), strict=False):
        if not (mine.shape == theirs.shape == truth.shape) or not truth.is_floating_point():
            return 0.0  # of entries that are True or False, half are alike by chance
        tells = ~entries_close(theirs, truth, allowed)
        wrong += int(tells.sum())
        alike += int((tells & entries_close(mine, theirs, allowed)).sum())
        right += int((~tells).sum())
        spoilt += int((~tells & ~entries_close(mine, truth, allowed)).sum())
    if wrong == 0 or spoilt > 0.2 * right:
        return 0.0
    return min(alike / wrong, 0.99)
