"""Writes the public part of an exercise: what learners without ``solutions/`` check with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from grader.course.key import AnswerKey, KnownMistake
from grader.course.keyfile import write_key
from grader.verdict.effects import Effects, effects_of
from grader.wire.calls import Outcome


def write_public(key: AnswerKey, hints: dict[str, list[str]], path: Path) -> None:
    """Write the public part of a key, whole or not at all, with the hints."""
    part = key.public()
    effects = effects_of(part)
    mistakes = [
        replace(known, predicted=[_telling(part, known, effects, number, i) for i in range(len(part.questions))])
        for number, known in enumerate(part.mistakes)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_key(replace(part, mistakes=mistakes), path, 0o644, hints=hints)


def _telling(key: AnswerKey, known: KnownMistake, effects: Effects, number: int, i: int) -> Outcome:
    """A mistake's answer where it shows; the right one elsewhere."""
    shows = effects.in_answer(number, i)
    if not shows:
        return key.questions[i].right
    return known.predicted[i] if "gradient" in shows else replace(known.predicted[i], gradients=None)
