"""A learner solves an exercise in the notebook where it lies: it is graded by what they wrote, and never lost."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers import EXERCISE, EXERCISES, ROOT

from grader.course.course import LocatedCourse, find_course
from grader.course.script import read_script
from grader.handout.build import BuildError, build
from grader.proof.verify import verify
from grader.session import Session
from grader.submission.find import Work

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> LocatedCourse:
    """The course as somebody has it who cloned the repository, to be worked in."""
    root = tmp_path_factory.mktemp("clone")
    for part in ("solutions", "exercises"):
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "course.yml", root)
    return find_course(root)


@pytest.fixture(scope="session")
def clone_session(clone: LocatedCourse) -> Iterator[Session]:
    with Session(clone) as opened:
        yield opened


@pytest.fixture
def solve(clone: LocatedCourse) -> Iterator[Callable[[str], Path]]:
    """Write the right solution into a notebook where it lies; it is as it was when the test is over."""
    before: dict[Path, str] = {}

    def solved(exercise: str) -> Path:
        path = clone.release(exercise)
        before[path] = path.read_text(encoding="utf-8")
        notebook = json.loads(before[path])
        reference = read_script(clone.solution(exercise) / "notebook.py")
        answers = [cell.source for cell in reference.cells if "solution" in cell.tags]
        for cell in notebook["cells"]:
            marked = cell["metadata"].get("nbgrader", {})
            if marked.get("solution") and cell["cell_type"] == "code":
                cell["source"] = answers.pop(0)
        assert not answers
        path.write_text(json.dumps(notebook), encoding="utf-8")
        return path

    yield solved
    for path, text in before.items():
        path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_notebook_solved_where_it_lies_gets_full_marks(
    clone: LocatedCourse, clone_session: Session, solve: Callable[[str], Path], exercise: str
) -> None:
    untouched = clone_session.grade(Work(clone.release(exercise), exercise))
    assert (untouched.status, untouched.score) == ("not_attempted", 0)
    report = clone_session.grade(Work(solve(exercise), exercise))
    assert report.passed, (report.status, report.diagnosis)


def test_the_command_says_so_too(clone: LocatedCourse, solve: Callable[[str], Path]) -> None:
    path = solve(EXERCISE).relative_to(clone.root)
    done = subprocess.run(
        [sys.executable, "-m", "grader", "grade", str(path)],
        cwd=clone.root,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith(f"{EXERCISE}: 6/6"), done.stdout + done.stderr


def test_verify_does_not_take_a_solved_notebook_for_the_stub(
    clone: LocatedCourse, clone_session: Session, solve: Callable[[str], Path]
) -> None:
    exercise = "weighted_sum"
    assert verify(clone, exercise, clone_session.runner).sound
    solve(exercise)
    (problem,) = verify(clone, exercise, clone_session.runner).problems
    assert "not the notebook that `attn build` makes" in problem


def test_build_writes_over_no_answer(clone: LocatedCourse, solve: Callable[[str], Path]) -> None:
    path = solve("weighted_sum")
    answered = path.read_text(encoding="utf-8")
    beside = clone.release(EXERCISE)
    handed_out = beside.read_text(encoding="utf-8")
    beside.unlink()
    with pytest.raises(BuildError, match=r"worked in these notebooks(.|\n)*weighted_sum\.ipynb"):
        build(clone, clone.root / "exercises", ["weighted_sum", EXERCISE])
    assert path.read_text(encoding="utf-8") == answered
    assert beside.read_text(encoding="utf-8") == handed_out  # the others are built


def test_build_renews_a_notebook_that_nobody_has_worked_in(clone: LocatedCourse, tmp_path: Path) -> None:
    path = clone.release(EXERCISE)
    text = path.read_text(encoding="utf-8")
    shutil.copytree(clone.root / "exercises", tmp_path, dirs_exist_ok=True)
    script = clone.solution(EXERCISE) / "notebook.py"
    source = script.read_text(encoding="utf-8")
    script.write_text(source + "\n# %% [markdown]\n# One more thing.\n", encoding="utf-8")
    try:
        build(clone, tmp_path, [EXERCISE])
    finally:
        script.write_text(source, encoding="utf-8")
    renewed = (tmp_path / path.relative_to(clone.root / "exercises")).read_text(encoding="utf-8")
    assert "One more thing." in renewed
    assert "One more thing." not in text
