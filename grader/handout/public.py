"""Writes the public part of an exercise: what learners without ``solutions/`` check with."""

from __future__ import annotations

from pathlib import Path

from grader.course.key import AnswerKey
from grader.course.keyfile import write_key
from grader.handout.keys import answered


def write_public(key: AnswerKey, hints: dict[str, list[str]], path: Path) -> None:
    """Write the public part of a key, whole or not at all, with the hints."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_key(answered(key.public()), path, 0o644, hints=hints)
