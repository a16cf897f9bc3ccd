"""Solutions written by others, from the text of the exercises alone: no right one loses a mark, no wrong one gets full
marks, and the family of the root cause comes first. The first line of a wrong one says which family that is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import SUBMISSIONS

from grader.course.course import LocatedCourse
from grader.report.model import Report

ReportOn = Callable[[Path], Report]

pytestmark = pytest.mark.slow


def submissions(beginning: str) -> list[Any]:
    found = [path for path in SUBMISSIONS if path.stem.startswith(beginning)]
    return [pytest.param(path.parent.name, path, id=f"{path.parent.name}-{path.stem}") for path in found]


def families(path: Path) -> set[str]:
    """The families that a wrong submission's first line names."""
    found = re.match(r"# family: (.+)", path.read_text(encoding="utf-8"))
    assert found, f"{path} does not begin with `# family: ...`"
    return {family.strip() for family in found[1].split(",")}


@pytest.mark.parametrize(("exercise", "path"), submissions("right"))
def test_right(report_on: ReportOn, exercise: str, path: Path) -> None:
    report = report_on(path)
    assert report.passed, [(check.name.en, check.message.en) for check in report.checks if not check.passed]


@pytest.mark.parametrize(("exercise", "path"), submissions("wrong"))
def test_wrong(report_on: ReportOn, exercise: str, path: Path) -> None:
    report = report_on(path)
    assert report.score < report.max_score
    assert report.diagnosis[0].family in families(path), report.diagnosis[0].message.en


def test_every_exercise_has_some_of_each(course: LocatedCourse) -> None:
    for _, entry in course.course.entries():
        mine = [path.stem for path in SUBMISSIONS if path.parent.name == entry.id]
        assert sum(stem.startswith("right") for stem in mine) >= 2, entry.id
        assert sum(stem.startswith("wrong") for stem in mine) >= 3, entry.id
