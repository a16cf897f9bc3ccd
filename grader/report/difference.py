"""Compares two sets of reports: whose grade changed, and what else did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from grader.report.model import Report
from grader.values.tree import leaves, shown

Json = dict[str, Any]
VARYING = (
    *(("seconds",), ("environment", "grader"), ("environment", "torch"), ("environment", "sandbox")),
    ("example",),
)
"""Where two reports on the same work may differ: how long it took, what graded it, and the last digits of an example,
which shows what the messages say."""

Change = Literal["added", "removed", "graded otherwise", "said otherwise"]


@dataclass(frozen=True)
class Difference:
    """One submission whose reports differ: how, and each place with what stood there and what stands there now."""

    submission: str
    exercise: str
    change: Change
    places: tuple[tuple[str, Any, Any], ...] = ()


def without_varying(report: Json) -> Json:
    """A report as JSON without the fields that may differ between two runs."""
    kept = {name: dict(value) if isinstance(value, dict) else value for name, value in report.items()}
    for path in VARYING:
        place = kept
        for step in path[:-1]:
            place = place.get(step, {})
        place.pop(path[-1], None)
    return kept


def differences(old: Sequence[Report], new: Sequence[Report]) -> Iterator[Difference]:
    """The submissions whose reports differ; each is known by its path and exercise."""
    before, after = _by_submission(old), _by_submission(new)
    for key in sorted(before.keys() | after.keys()):
        submission, exercise = key
        if key not in before or key not in after:
            yield Difference(submission, exercise, "removed" if key in before else "added")
            continue
        places = tuple(_places(before[key], after[key]))
        if places:
            graded = any(place in ("score", "max_score", "status") for place, _, _ in places)
            yield Difference(submission, exercise, "graded otherwise" if graded else "said otherwise", places)


def _by_submission(reports: Sequence[Report]) -> dict[tuple[str, str], Json]:
    return {(report.submission, report.exercise): without_varying(report.to_json()) for report in reports}


def _places(old: Json, new: Json) -> Iterator[tuple[str, Any, Any]]:
    mine, theirs = dict(leaves(old)), dict(leaves(new))
    for path in dict.fromkeys([*mine, *theirs]):
        before, after = mine.get(path), theirs.get(path)
        if before != after or (path in mine) != (path in theirs):
            yield f"{path[0]}{shown(path[1:])}", before, after
