"""Sees what kind of wrong numbers are: NaN, a leak, rows that do not sum to 1, a factor.

What is found is data; its sentence is filled in elsewhere. To see something more, write a function and its line in
`DETECTORS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from grader.authoring.cases import Family
from grader.course.key import AnswerKey
from grader.text import Text
from grader.verdict import messages
from grader.verdict.arrangement import error_grows, other_order, partly_right
from grader.verdict.evidence import Problem
from grader.wire.calls import Outcome

LEAST_WEIGHT = 1e-6
"""A weight above this is attention; what softmax gives to a score of -1e9 is none."""
ROW_SLACK = 2e-4
"""By so much the sum of a row may be off."""
COLUMN_SLACK = 1e-3
LEAST_KEYS = 3
"""With fewer, a temperature always fits."""
LEAST_PROBABILITY = 1e-9
"""Logarithms of weights are compared where all are above this."""
LOG_SLACK = 1e-2
"""Of the largest logarithm: how well a temperature has to fit."""
LEAST_TEMPERATURE = 1e-3
"""So far from 1, scores are multiplied by something."""
NEGLIGIBLE = 1e-3
"""Of the largest entry: entries below it say nothing of a factor."""
FACTOR_SPREAD = 1e-3
"""Of a factor: by so much it may vary from entry to entry."""
NO_FACTOR = 1e-6
"""A factor below this is zero."""
LEAST_FACTOR, LEAST_SPREADS = 1e-2, 10
"""So far from 1, and so many times its spread, a factor is one: rounding and small constants also come out as nearly
the same factor everywhere, close to 1."""

Found = Mapping[str, object]
"""What a detector found, by the placeholders of its sentence."""


def some_are_nan(mine: Tensor, right: Tensor) -> Found | None:
    """Entries that are not numbers."""
    wrong = int(mine.isnan().sum())
    return {"wrong": wrong, "entries": mine.numel()} if wrong else None


def attends_to_hidden(mine: Tensor, right: Tensor) -> Found | None:
    """A query that attends to a key which it may not see: a mask that is not used, a future that leaks."""
    hidden = right == 0
    leak = hidden & (mine.abs() > LEAST_WEIGHT)
    if not bool(leak.any()) or bool(hidden.all()):
        return None
    query, key = leak.nonzero()[0, -2:].tolist()
    return {"query": query, "key": key}


def columns_sum_to_1(mine: Tensor, right: Tensor) -> Found | None:
    """A softmax over the wrong axis."""
    columns = mine.sum(-2)
    over_queries = torch.allclose(columns, torch.ones_like(columns), atol=COLUMN_SLACK)
    return {} if over_queries and float(_off(mine, right).max()) > ROW_SLACK else None


def rows_do_not_sum_to_1(mine: Tensor, right: Tensor) -> Found | None:
    """Rows of weights with another sum than they should have, which is 0 where nothing may be seen."""
    off = _off(mine, right)
    return {"worst": float(mine.sum(-1).flatten()[off.argmax()])} if float(off.max()) > ROW_SLACK else None


def _off(mine: Tensor, right: Tensor) -> Tensor:
    return (mine.sum(-1) - right.sum(-1)).abs().flatten()


def temperature(mine: Tensor, right: Tensor) -> Found | None:
    """The c for which mine = softmax(c · scores) where right = softmax(scores), if there is one."""
    inside = (mine > LEAST_PROBABILITY) & (right > LEAST_PROBABILITY)
    if not bool(inside.all()) or mine.shape[-1] < LEAST_KEYS:
        return None
    x = right.log() - right.log().mean(-1, keepdim=True)
    y = mine.log() - mine.log().mean(-1, keepdim=True)
    c = float((x * y).sum() / (x * x).sum().clamp_min(1e-12))
    fits = float((y - c * x).abs().max()) < LOG_SLACK * max(float(y.abs().max()), 1e-6)
    return {"factor": c} if fits and abs(c - 1) > LEAST_TEMPERATURE else None


def constant_factor(mine: Tensor, right: Tensor) -> Found | None:
    """The same factor in every entry that is not close to zero."""
    usable = right.abs() > NEGLIGIBLE * float(right.abs().max())
    if int(usable.sum()) < 2:
        return None
    ratio = mine[usable] / right[usable]
    factor, spread = float(ratio.mean()), float(ratio.std())
    is_constant = spread < FACTOR_SPREAD * abs(factor) and abs(factor) > NO_FACTOR
    return {"factor": factor} if is_constant and abs(factor - 1) > max(LEAST_FACTOR, LEAST_SPREADS * spread) else None


@dataclass(frozen=True)
class Detector:
    """One thing that can be seen in wrong numbers.

    Args:
        look: told a submission's tensor and the right one, both in float64 and of one shape, says what it finds.
        family: what it points to.
        says: the sentence for it.
        in_weights: it is looked for only in attention weights, the last axis of which is the keys'.
    """

    look: Callable[[Tensor, Tensor], Found | None]
    family: Family
    says: Text
    in_weights: bool = False


DETECTORS = (
    Detector(some_are_nan, "numerics", messages.SOME_ARE_NAN),
    Detector(attends_to_hidden, "masking", messages.ATTENDS_TO_HIDDEN, in_weights=True),
    Detector(columns_sum_to_1, "normalization", messages.COLUMNS_SUM_TO_1, in_weights=True),
    Detector(rows_do_not_sum_to_1, "normalization", messages.ROWS_DO_NOT_SUM_TO_1, in_weights=True),
    Detector(temperature, "scaling", messages.SCORES_MULTIPLIED, in_weights=True),
    Detector(constant_factor, "scaling", messages.ALL_MULTIPLIED),
    Detector(other_order, "shape", messages.OTHER_ORDER),
    Detector(partly_right, "numerics", messages.PARTLY_RIGHT),
    Detector(error_grows, "numerics", messages.ERROR_GROWS),
)
"""What is looked for. The first that finds something is believed, so each may rely on those above it."""


@dataclass(frozen=True)
class Observation:
    """What was seen in an answer, and by which detector."""

    detector: Detector
    found: Found


def seen_in(mine: Tensor, right: Tensor, weights: bool) -> Observation | None:
    """What can be seen in one tensor of an answer; ``weights`` says that it holds attention weights."""
    if mine.shape != right.shape or mine.numel() == 0 or not right.is_floating_point():
        return None
    mine, right = mine.to(torch.float64), right.to(torch.float64)
    for detector in DETECTORS:
        if detector.in_weights and not (weights and mine.dim() >= 2):
            continue
        found = detector.look(mine, right)
        if found is not None:
            return Observation(detector, found)
    return None


def observed(key: AnswerKey, problem: Problem, got: Outcome, expected: Outcome) -> Observation | None:
    """What can be seen in an answer that has wrong numbers."""
    for mine, right, weights in _places(key, problem, got, expected):
        if isinstance(mine, Tensor) and isinstance(right, Tensor):
            seen = seen_in(mine, right, weights)
            if seen is not None:
                return seen
    return None


def _places(key: AnswerKey, problem: Problem, got: Outcome, expected: Outcome) -> Iterator[tuple[object, object, bool]]:
    """Where to look, each with whether it holds weights: these tell more than what is made with them."""
    mine, right = got.value, expected.value
    if len(key.outputs) == 1:
        mine, right = (mine,), (right,)
    if isinstance(mine, tuple) and isinstance(right, tuple) and len(mine) == len(right) == len(key.outputs):
        for name, my_part, right_part in zip(key.outputs, mine, right, strict=True):
            if name == "weights":
                yield my_part, right_part, True
    yield problem.part_of(got.value), problem.part_of(expected.value), False
