"""course.yml: what is wrong with it is said with file, line and what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.course.course import LocatedCourse, read_course
from grader.course.errors import CourseError, NewerFormatError
from grader.version import own_version

GOOD = """\
title: {en: Course, zh: 课程}
assignments:
  - id: one
    title: {en: One, zh: 一}
    exercises:
      - id: first
        title: {en: First, zh: 第一}
        points: 3
        minutes: 10
        difficulty: 1
      - id: second
        title: {en: Second, zh: 第二}
        points: 3
        minutes: 10
        difficulty: 1
        needs: [first]
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "course.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_course(tmp_path: Path) -> None:
    course = read_course(write(tmp_path, GOOD))
    assert [entry.id for _, entry in course.entries()] == ["first", "second"]


def test_an_exercise_is_found_by_the_ids_that_it_had_once(tmp_path: Path) -> None:
    course = read_course(write(tmp_path, GOOD.replace("id: second", "id: second\n        formerly: [deux, zwei]")))
    assert [course.named(name) for name in ("second", "zwei", "first", "third")] == ["second", "second", "first", None]
    assert course.find("zwei") is None


def test_a_course_without_a_number_is_of_the_first_format(tmp_path: Path) -> None:
    assert read_course(write(tmp_path, GOOD)).format == 1
    assert read_course(write(tmp_path, f"format: 1\n{GOOD}")).format == 1


def test_a_newer_format_is_said_before_anything_that_may_be_new_in_it(tmp_path: Path) -> None:
    text = f"# ours\nformat: 2\nbadges: [gold]\n{GOOD}"
    with pytest.raises(NewerFormatError) as raised:
        read_course(write(tmp_path, text))
    wanted = f"course.yml is of format 2, which this version ({own_version()}) does not read; update the package"
    assert str(raised.value) == f"{tmp_path / 'course.yml'}:2: {wanted}"


@pytest.mark.parametrize("number", ["0", "two", "1.5"])
def test_a_format_is_a_number(tmp_path: Path, number: str) -> None:
    with pytest.raises(CourseError, match=r"course\.yml:1: `format`"):
        read_course(write(tmp_path, f"format: {number}\n{GOOD}"))


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("points: 3", "points: many", 8, "points"),
        ("        points: 3\n", "", 6, "`assignments.exercises.points` is missing"),
        ("minutes: 10", "minuets: 10", 9, "check its spelling"),
        ("id: first", "id: First!", 6, "is no id"),
        ("id: first", "id: aux", 6, "Windows has no files of that name"),
        ("needs: [first]", "needs: [third]", 16, "'third'"),
        ("id: second", "id: first", 11, "twice"),
        ("id: second", "id: second\n        formerly: [first]", 11, "exercise 'first' is there twice"),
        ("difficulty: 1", "difficulty: 9", 10, "less than or equal to 5"),
        ("title: {en: Course, zh: 课程}", "title: {en: Course", 2, "not YAML"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    with pytest.raises(CourseError) as raised:
        read_course(write(tmp_path, GOOD.replace(old, new, 1)))
    first = str(raised.value).splitlines()[0]
    assert f"course.yml:{line}:" in first
    assert said in first


def test_every_question_is_answered_and_every_exercise_has_its_files(course: LocatedCourse) -> None:
    answered = {code for _, entry in course.course.entries() for code in entry.answers}
    assert answered == set(course.course.questions)
    for _, entry in course.course.entries():
        for name in ("notebook.py", "grading.py"):
            assert (course.solution(entry.id) / name).is_file(), f"{entry.id}/{name}"
        assert course.release(entry.id).is_file()
        assert course.public(entry.id).is_file()
