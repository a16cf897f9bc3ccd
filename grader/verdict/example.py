"""Chooses one failing case to look at, and shows it: what makes the call again, what was expected, what came."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from grader.course.key import AnswerKey, Question
from grader.report.model import Comparison, Example, Grid
from grader.values.compare import entries_close, first_wrong_index, tolerance_of
from grader.values.tree import Path, at, leaves, tensors
from grader.verdict.describe import describe_problem, is_unwritten, output_name
from grader.verdict.effects import Place
from grader.verdict.evidence import ANSWER_FACETS, Problem
from grader.verdict.happened import missing_library
from grader.verdict.reproduce import code_of
from grader.wire.calls import Outcome

MOST_ROWS, MOST_COLUMNS = 8, 10
"""What can be taken in at a glance."""
DIGITS = 2
"""Of weights, and of other numbers where that is enough to tell them apart."""


def example_of(
    key: AnswerKey, outcomes: Sequence[Outcome], problems: Sequence[Problem], root: Collection[Place]
) -> Example | None:
    """The case that shows best what is wrong, if one can be shown.

    Args:
        key: what is asked.
        outcomes: what came.
        problems: what is wrong.
        root: the problems that the root cause explains; empty where no mistake is known.
    """
    shown = [problem for problem in problems if _can_be_shown(key, problem, outcomes[problem.case])]
    if not shown:
        return None
    chosen = min(shown, key=lambda problem: _rank(key.questions[problem.case], problem, problem.key in root))
    question, got = key.questions[chosen.case], outcomes[chosen.case]
    comparison = _comparison(key, question, chosen, got)
    code = code_of(key, question, comparison.name if comparison else "")
    if not code and comparison is None:
        return None
    said = describe_problem(key, question, chosen, got)
    return Example(question.title, said, code, comparison, hidden=not question.public)


def _can_be_shown(key: AnswerKey, problem: Problem, got: Outcome) -> bool:
    if key.questions[problem.case].base is not None or problem.facet == "ended":
        return False
    raised = got.raised
    return raised is None or not (is_unwritten(raised) or raised.is_missing_target or missing_library(raised))


def _rank(question: Question, problem: Problem, is_root: bool) -> tuple[bool, ...] | tuple[Any, ...]:
    """The smaller the better: what is public, shows the root cause, has numbers to look at, and few of them."""
    call = question.call
    inputs = sum(tensor.numel() for _, tensor in tensors((call.args, call.kwargs, call.state or {})))
    looked_at = problem.facet in ANSWER_FACETS
    return (
        not question.public,
        not is_root,
        not looked_at,
        problem.facet != "value",
        call.probe is not None,
        inputs,
        problem.case,
    )


def _comparison(key: AnswerKey, question: Question, problem: Problem, got: Outcome) -> Comparison | None:
    """The matrix in which it is seen best: the attention weights, or else the part of the answer that is wrong."""
    if problem.facet != "value":
        return None
    allowed = tolerance_of(question.call.dtype, question.tolerance)
    for path in (_weights(key), problem.path, problem.path[:-1]):
        if path is None:
            continue
        mine, right = (_as_tensor(_part(value, path)) for value in (got.value, question.right.value))
        if not isinstance(mine, Tensor) or not isinstance(right, Tensor):
            continue
        if mine.shape != right.shape or right.dim() == 0 or mine.is_complex():
            continue
        close = entries_close(mine, right, allowed)
        if not bool(close.all()):
            return _matrix(output_name(key, path).en, mine, right, ~close, path == _weights(key))
    return None


def _as_tensor(part: Any) -> Any:
    """Plain lists of numbers are compared as tensors are."""
    if isinstance(part, list) and part and all(type(leaf) is float for _, leaf in leaves(part)):
        with suppress(ValueError):  # rows of several lengths
            return torch.tensor(part, dtype=torch.float64)
    return part


def _weights(key: AnswerKey) -> Path | None:
    if "weights" not in key.outputs:
        return None
    return () if len(key.outputs) == 1 else (key.outputs.index("weights"),)


def _part(value: Any, path: Path) -> Any:
    try:
        return at(value, path)
    except (LookupError, TypeError):
        return None


def _matrix(name: str, mine: Tensor, right: Tensor, wrong: Tensor, weights: bool) -> Comparison:
    """As much of two tensors as can be taken in, around the first entry that is clearly wrong."""
    first = first_wrong_index(mine, right)
    leading = first[:-2] if right.dim() > 1 else ()
    if leading:
        name = f"{name}[{', '.join(map(str, leading))}]"
    rows, columns = (first[-2] if right.dim() > 1 else 0), first[-1]
    mine, right, wrong = (part[leading].reshape(-1, part.shape[-1]) for part in (mine, right, wrong))
    top, left = _begin(rows, mine.shape[0], MOST_ROWS), _begin(columns, mine.shape[1], MOST_COLUMNS)
    cut = (slice(top, top + MOST_ROWS), slice(left, left + MOST_COLUMNS))
    kind = "mask" if not right.is_floating_point() and right.dtype.is_signed is False else "numbers"
    if weights:
        kind = "weights"
    expected, got = _written(right[cut].tolist(), mine[cut].tolist(), wrong[cut].tolist())
    places = tuple((i, j) for i, j in wrong[cut].nonzero().tolist())
    size = (int(mine.shape[0]), int(mine.shape[1]))
    return Comparison(name, kind, expected, got, places, top, left, size)  # type: ignore[arg-type]


def _begin(wanted: int, size: int, most: int) -> int:
    """Where a window of at most so many begins that has the wanted one in it, near its middle."""
    return max(0, min(wanted - most // 2, size - most))


def _written(right: list[list[Any]], mine: list[list[Any]], wrong: list[list[bool]]) -> tuple[Grid, Grid]:
    """Both, with as many digits as it takes to see what differs."""
    pairs = [
        (a, b) for rows in zip(right, mine, wrong, strict=True) for a, b, differs in zip(*rows, strict=True) if differs
    ]
    digits = next((n for n in range(DIGITS, 7) if any(_number(a, n) != _number(b, n) for a, b in pairs)), 7)

    def written(matrix: list[list[Any]]) -> Grid:
        return tuple(tuple(_number(value, digits) for value in row) for row in matrix)

    return written(right), written(mine)


def _number(value: float | int | bool, digits: int) -> str:
    if isinstance(value, bool):
        return str(value)
    if not isinstance(value, float):
        return str(value)
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{value:+}"
    if value == 0:
        return "0"
    if abs(value) >= 1e4 or abs(value) < 0.5 * 10**-digits:  # too long, or it would read as zero
        return f"{value:.{digits - 2}e}".replace("e-0", "e-").replace("e+0", "e")
    return f"{value:.{digits}f}"
