"""What is named is true: names that wrong answers get were judged by hand, one by one, and few are false.

``judged.jsonl`` has an answer a line: a mutant of a reference (``text``, and what was ``changed`` in it), or a ``file``
of ``tests/submissions``; and by each slug that it is named by, whether the sentence is true of the code. After a change
of the diagnosis, whoever made it judges the names that are new.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import ROOT

from grader.report.model import Report
from grader.session import Session
from grader.submission.reader import Submission

JUDGED = [
    json.loads(line) for line in (Path(__file__).parent / "judged.jsonl").read_text(encoding="utf-8").splitlines()
]
LEAST = 200
MOST_FALSE = 0.02
"""A false name sends a learner to the wrong place, and is worse than none."""


def test_few_names_are_false() -> None:
    names = [is_true for row in JUDGED for is_true in row["names"].values()]
    assert len(names) >= LEAST
    assert names.count(False) <= MOST_FALSE * len(names)


def rows_by_exercise() -> Iterator[Any]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in JUDGED:
        found.setdefault(row["exercise"], []).append(row)
    for exercise, rows in found.items():
        yield pytest.param(exercise, rows, id=exercise)


@pytest.mark.slow
@pytest.mark.parametrize(("exercise", "rows"), list(rows_by_exercise()))
def test_names_are_those_that_were_judged(
    session: Session, report_on: Callable[[Path], Report], exercise: str, rows: list[dict[str, Any]]
) -> None:
    for row in rows:
        if "file" in row:
            report = report_on(ROOT / "tests/submissions" / exercise / row["file"])
        else:
            report = session.grader(exercise).grade_cells(Submission(Path("answer.py"), (row["text"],)))
        named = {line.mistake for line in report.diagnosis} - {"unknown"}
        assert named == set(row["names"]), row.get("file") or row["changed"]
