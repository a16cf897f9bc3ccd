"""What tests share: the course, a warm parent, and graders of its exercises."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.course.course import LocatedCourse, find_course
from grader.grade import Grader
from grader.report.model import Report
from grader.session import Session
from grader.submission.reader import Submission

ROOT = Path(__file__).resolve().parents[1]
RIGHT = (ROOT / "demo/class/bo/scaled_dot_product_attention.py").read_text(encoding="utf-8")
"""A right solution to scaled_dot_product_attention."""

# nbgrader calls helper programs by name: they are where this Python is.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture(scope="session")
def course() -> LocatedCourse:
    return find_course(ROOT)


@pytest.fixture(scope="session")
def session(course: LocatedCourse) -> Iterator[Session]:
    with Session(course) as opened:
        yield opened


@pytest.fixture(scope="session")
def grader(session: Session) -> Grader:
    """The grader of scaled_dot_product_attention."""
    return session.grader("scaled_dot_product_attention")


@pytest.fixture(scope="session")
def grade(session: Session) -> Callable[..., Report]:
    """Grade code given as text."""

    def graded(code: str, exercise: str = "scaled_dot_product_attention") -> Report:
        return session.grader(exercise).grade_cells(Submission(Path("<test>"), (code,)))

    return graded
