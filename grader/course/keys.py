"""Where the answer key of an exercise comes from: built ahead, kept from last time, or made now."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from grader.course.authored import GRADING, Authored
from grader.course.course import LocatedCourse
from grader.course.key import AnswerKey


def key_of(located: LocatedCourse, exercise: str, device: str = "cpu") -> AnswerKey:
    """The key of an exercise of the course; made or read once a process.

    Raises:
        ExerciseError: an author's file is missing or wrong.
    """
    found = located.course.find(exercise)
    assert found is not None
    return _key(located.solution(exercise), found[1].points, device)


def has_key(located: LocatedCourse, exercise: str) -> bool:
    """Whether the whole key can be had here; learners of a hosted course have its public part only."""
    return (located.solution(exercise) / GRADING).is_file()


@cache
def _key(folder: Path, points: float, device: str) -> AnswerKey:
    return Authored(folder, device).key(points)
