"""What the course says of mistakes that no exercise has is found, once all exercises were looked at."""

from __future__ import annotations

from pathlib import Path

from helpers import EXERCISES

from grader.course.authored import GRADING, load_grading
from grader.course.course import LocatedCourse
from grader.proof.verify import Proof, unused_sentences

SAID = "".join(f"{slug}:\n  family: rules\n  en: Said.\n" for slug in ("third", "first", "second"))


def test_sentences_of_no_exercise_are_named_with_their_lines(course: LocatedCourse, tmp_path: Path) -> None:
    mine = LocatedCourse(tmp_path, course.course)
    path = tmp_path / "solutions/mistakes.yml"
    path.parent.mkdir()
    path.write_text(SAID, encoding="utf-8")
    proofs = [Proof("one", mistakes={"second", "own"}), Proof("other")]
    assert unused_sentences(mine, proofs) == [
        f"{path}:1: 'third' is no mistake of any exercise; remove it",
        f"{path}:4: 'first' is no mistake of any exercise; remove it",
    ]
    assert unused_sentences(mine, [Proof("all", mistakes={"first", "second", "third"})]) == []


def test_a_course_that_says_nothing(course: LocatedCourse, tmp_path: Path) -> None:
    assert unused_sentences(LocatedCourse(tmp_path, course.course), [Proof("one", mistakes={"own"})]) == []


def test_every_sentence_of_this_course_is_about_some_mistake(course: LocatedCourse) -> None:
    gradings = [load_grading(course.solution(exercise) / GRADING) for exercise in EXERCISES]
    proofs = [Proof("all", mistakes={mistake.slug for grading in gradings for mistake in grading.mistakes})]
    assert unused_sentences(course, proofs) == []
