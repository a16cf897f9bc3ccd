"""Debugging exercises: what is handed out does not tell the bug, and its name is worth something only with a fix."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers import EXERCISES

from grader.course.course import LocatedCourse
from grader.course.script import Script, read_script
from grader.session import Session
from grader.submission.reader import Submission

DEBUGGING = [exercise for exercise in EXERCISES if exercise.startswith("debug_")]


def script_of(course: LocatedCourse, exercise: str) -> Script:
    return read_script(course.solution(exercise) / "notebook.py")


def named(script: Script) -> set[str]:
    """The bugs, as the reference names them."""
    (line,) = re.findall(r"^bugs? = (.+)$", "\n".join(script.answer), re.MULTILINE)
    return set(re.findall(r'"(.+?)"', line))


@pytest.mark.parametrize("exercise", DEBUGGING)
def test_the_title_does_not_tell_the_bug(course: LocatedCourse, exercise: str) -> None:
    assert re.fullmatch(r"debug_\d", exercise)
    found = course.course.find(exercise)
    assert found is not None
    words = {word for bug in named(script_of(course, exercise)) for word in bug.split("-") if len(word) > 3}
    assert not words & set(re.findall(r"\w+", found[1].title.en.lower()))


@pytest.mark.parametrize("exercise", DEBUGGING)
def test_more_bugs_are_on_offer_than_there_are(course: LocatedCourse, exercise: str) -> None:
    script = script_of(course, exercise)
    (handed_out,) = (cell.source for cell in script.code if "broken" in cell.tags)
    offered = set(re.findall(r'"([a-z-]+)"', handed_out.split("# One of:")[-1].split("# Two of:")[-1]))
    assert len(offered) == 12
    assert named(script) < offered


@pytest.mark.parametrize("exercise", DEBUGGING)
def test_a_name_is_worth_something_only_with_a_fix(session: Session, course: LocatedCourse, exercise: str) -> None:
    script, grader = script_of(course, exercise), session.grader(exercise)
    broken = "\n\n".join(script.handed_out)
    bugs = ", ".join(f'"{bug}"' for bug in sorted(named(script)))
    both = len(named(script)) == 2
    guessed = f"bugs = {{{bugs}}}" if both else f"bug = {bugs}"
    report = grader.grade_cells(Submission(Path("guessed.py"), (broken, guessed)))
    check = next(check for check in report.checks if check.name.en.endswith("named"))
    assert (check.passed, check.points) == (False, 0)
    assert "once everything else" in check.message.en
    assert not any(found.mistake.endswith("misnamed") for found in report.diagnosis)
