"""Which family a problem belongs to: that of its facet, of its question, or what can be seen in it."""

from __future__ import annotations

from grader.authoring.cases import Family
from grader.course.key import AnswerKey, Question
from grader.verdict.detectors import observed
from grader.verdict.evidence import Facet, Problem
from grader.wire.calls import Outcome, Raised

_OF_FACET: dict[Facet, Family] = {
    "dtype": "dtype",
    "gradient": "gradient",
    "changed": "state",
    "again": "state",
    "forbidden": "rules",
    "largest": "resources",
    "structure": "interface",
    "shape": "shape",
    "ended": "resources",
}
_SHAPE_ERRORS = (
    "must match the size",
    "mat1 and mat2",
    "shapes cannot be multiplied",
    "Expected size",
    "is invalid for input",
    "size mismatch",
    "The expanded size",
    "must match except",
    "Sizes of tensors",
    "broadcast",
    "split_with_sizes",
    "does not broadcast",
    "batch1",
    "inconsistent tensor size",
    "number of dimensions",
    "dims",
    "not broadcastable",
    "dimension",
    "Dimension",
    "doesn't match",
    "output with shape",
    "channels, but got",
)
_DTYPE_ERRORS = ("expected scalar type", "same dtype", "to have the same dtype", "but got Float", "but found Float")


def family_of(key: AnswerKey, question: Question, problem: Problem, got: Outcome) -> Family:
    """The family that a problem points to."""
    if question.base is not None and got.ended is None:
        return question.family
    if problem.facet == "raised":
        return "interface" if got.raised is None else _of_raised(got.raised, question)
    if problem.facet == "value":
        return _of_value(key, question, problem, got)
    if problem.facet == "fault":
        return question.family
    if problem.facet == "shape" and question.family == "masking":
        return question.family
    return _OF_FACET[problem.facet]


def is_about_shapes(raised: Raised) -> bool:
    """Whether an exception is one of tensors whose shapes do not go together."""
    return any(hint in raised.message for hint in _SHAPE_ERRORS)


def _of_raised(raised: Raised, question: Question) -> Family:
    if raised.type in ("RuntimeError", "ValueError", "IndexError", "AssertionError", "EinopsError"):
        if any(hint in raised.message for hint in _DTYPE_ERRORS):
            return "dtype"
        if "state_dict" in raised.message:
            return "state"
        if question.family != "numerics":
            return question.family
        if is_about_shapes(raised):
            return "shape"
        if "modified by an inplace operation" in raised.message or "in-place" in raised.message:
            return "state"
    if raised.type in ("OverflowError", "ZeroDivisionError", "FloatingPointError"):
        return "numerics"
    return "interface"


def _of_value(key: AnswerKey, question: Question, problem: Problem, got: Outcome) -> Family:
    """That of the question, or for a plain one what can be seen in the numbers."""
    if question.family not in ("numerics", "interface"):
        return question.family
    seen = observed(key, problem, got, question.right)
    return question.family if seen is None else seen.detector.family
