"""Every question that an interviewer asks next has its answer, in both languages."""

from __future__ import annotations

import json

import pytest
from helpers import EXERCISES

from grader.course.course import LocatedCourse
from grader.course.script import read_script

FEWEST = 205
"""Questions in the whole course: that none is lost by mistake."""


@pytest.mark.parametrize("exercise", EXERCISES)
def test_every_question_is_answered_in_both_languages(course: LocatedCourse, exercise: str) -> None:
    script = read_script(course.solution(exercise) / "notebook.py")
    english, chinese = script.follow_ups("en"), script.follow_ups("zh")
    assert english
    assert len(english) == len(chinese)
    for asked in (*english, *chinese):
        assert asked.question
        assert asked.answer, asked.question
        assert asked.answer[0] != ">"


def test_a_written_part_says_how_it_is_reviewed(course: LocatedCourse) -> None:
    for _, entry in course.course.entries():
        cells = read_script(course.solution(entry.id) / "notebook.py").cells
        for language in ("en", "zh"):
            said = any(f'self_review("{entry.id}")' in cell.source for cell in cells if cell.language == language)
            assert said == bool(entry.written), (entry.id, language)


def test_no_question_is_lost(course: LocatedCourse) -> None:
    scripts = (read_script(course.solution(exercise) / "notebook.py") for exercise in EXERCISES)
    assert sum(len(script.follow_ups("en")) for script in scripts) >= FEWEST


@pytest.mark.parametrize("exercise", EXERCISES)
def test_answers_are_told_only_when_asked_for(course: LocatedCourse, exercise: str) -> None:
    script = read_script(course.solution(exercise) / "notebook.py")
    handed_out = json.loads(course.release(exercise).read_text(encoding="utf-8"))
    text = " ".join("".join("".join(cell["source"]) for cell in handed_out["cells"]).split())
    for language in ("en", "zh"):
        for asked in script.follow_ups(language):
            assert asked.answer[-30:] not in text
