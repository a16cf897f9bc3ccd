"""Writes the answer keys of a course ahead of time: for an image, a machine without ``solutions/``, a class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from grader.course.course import LocatedCourse
from grader.course.key import AnswerKey
from grader.course.keyfile import write_key
from grader.course.keys import make_key
from grader.verdict.effects import effects_of
from grader.wire.calls import Outcome


def write_keys(
    located: LocatedCourse,
    device: str = "cpu",
    only: Sequence[str] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Write the keys of the course, or ``only`` some, with what every mistake answers to every question.

    Returns what was written.

    Raises:
        ExerciseError: an author's file is missing or wrong.
    """
    written = []
    for _, entry in located.course.entries():
        if only and entry.id not in only:
            continue
        progress(entry.id)
        path = located.built_key(entry.id, device)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        write_key(answered(make_key(located, entry.id, device)), path)
        written.append(path)
    return written


def answered(key: AnswerKey) -> AnswerKey:
    """The key with all answers of its mistakes: those that are as the right ones are taken for these."""
    effects = effects_of(key)

    def answer(number: int, i: int) -> Outcome:
        shows = effects.in_answer(number, i)
        if not shows:
            return key.questions[i].right
        predicted: Outcome = key.mistakes[number].predicted[i]
        return predicted

    mistakes = [
        replace(known, predicted=[answer(number, i) for i in range(len(key.questions))])
        for number, known in enumerate(key.mistakes)
    ]
    return replace(key, mistakes=mistakes)
