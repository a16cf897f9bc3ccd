"""Grades the same submissions in forked children and in interpreters of their own: the reports must be equal.

python tools/both_runners.py               # all submissions of the tests: an import of torch for each takes a while
python tools/both_runners.py SUBMISSION ...
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from helpers import SUBMISSIONS  # noqa: E402
from rich.progress import track  # noqa: E402

from grader.course.course import find_course  # noqa: E402
from grader.report.difference import without_varying  # noqa: E402
from grader.runner.forking import ForkingChildren  # noqa: E402
from grader.runner.spawning import SpawnedChildren  # noqa: E402
from grader.session import Session  # noqa: E402
from grader.submission.find import Work, find  # noqa: E402

HANDED_IN = [work.path for work in find([ROOT / "tests/cases", ROOT / "demo/class"]).work]


def main() -> int:
    """Compare, and name what differs."""
    paths = [Path(name).resolve() for name in sys.argv[1:]] or [*HANDED_IN, *SUBMISSIONS]
    unequal = 0
    for path, different in track(compared(paths), "comparing", len(paths)):
        if different:
            unequal += 1
            print(f"{path.relative_to(ROOT)}: {different}")
    print(f"{unequal} of {len(paths)} reports differ")
    return int(unequal > 0)


def compared(paths: list[Path]) -> Iterator[tuple[Path, str]]:
    """Each file with what is different in its two reports."""
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


if __name__ == "__main__":
    sys.exit(main())
