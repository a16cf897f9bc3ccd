"""What is said to learners stays as it is, unless somebody means to change it and the change is seen in review.

After a change that is meant: `python tools/golden.py`, then look at the diff.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import EXERCISES, SUBMISSIONS, as_golden, golden_file

from grader.report.model import Report

pytestmark = pytest.mark.slow

GOLDEN = [path for path in SUBMISSIONS if golden_file(path).is_file()]


@pytest.mark.parametrize(
    ("exercise", "path"),
    [pytest.param(path.parent.name, path, id=f"{path.parent.name}-{path.stem}") for path in GOLDEN],
)
def test_the_report_is_as_it_was(report_on: Callable[[Path], Report], exercise: str, path: Path) -> None:
    report = as_golden(report_on(path))
    assert report == golden_file(path).read_text("utf-8"), "if this change is meant, say: python tools/golden.py"


def test_they_are_of_every_exercise_and_most_families() -> None:
    reports = {path: json.loads(golden_file(path).read_text("utf-8")) for path in GOLDEN}
    assert {path.parent.name for path in reports} == set(EXERCISES)
    assert sum(report["score"] == report["max_score"] for report in reports.values()) >= 10
    families = {found["family"] for report in reports.values() for found in report["diagnosis"][:1]}
    assert len(families) >= 8, families
