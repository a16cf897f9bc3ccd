"""Grades files in forked children and in interpreters of their own, and says what differs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from helpers import ROOT, SUBMISSIONS

from grader.course.course import find_course
from grader.report.difference import without_varying
from grader.runner.forking import ForkingChildren
from grader.runner.spawning import SpawnedChildren
from grader.session import Session
from grader.submission.find import Work, find

HANDED_IN = [work.path for work in find([ROOT / "tests/cases", ROOT / "demo/class"]).work]


def compared(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Each file with what is different in its two reports; nothing where they are equal."""
    course = find_course(ROOT)
    with (
        Session(course, children=ForkingChildren()) as forked,
        Session(course, children=SpawnedChildren()) as spawned,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        yield from pool.map(lambda path: (path, _difference(path, forked, spawned)), paths)


def _difference(path: Path, *sessions: Session) -> str:
    exercise = path.parent.name if path in SUBMISSIONS else None
    one, other = (without_varying(session.grade(Work(path, path.name), exercise).to_json()) for session in sessions)
    return "; ".join(f"{name}: {one[name]} / {other[name]}"[:2000] for name in one if one[name] != other.get(name))
