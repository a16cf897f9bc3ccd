"""``mistakes.yml``: what is said of each mistake, in one file for the course and one beside an exercise."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from grader.authoring.cases import Family
from grader.authoring.mistakes import Mistake, Sentence
from grader.course.errors import ExerciseError
from grader.course.lines import YamlError, advice, read_yaml
from grader.text import Text

FILE = "mistakes.yml"


class _Said(BaseModel):
    """In the languages of the course; one that is missing is said in the other."""

    model_config = ConfigDict(extra="forbid")

    en: str = ""
    zh: str = ""

    @property
    def text(self) -> Text:
        return Text(self.en or self.zh, self.zh or self.en)

    @model_validator(mode="after")
    def _says_something(self) -> _Said:
        if not self.en and not self.zh:
            raise ValueError("needs a sentence: `en`, `zh` or both")
        return self


class _Entry(_Said):
    family: Family
    lecture: _Said | None = None


@dataclass(frozen=True)
class Sentences:
    """The sentences of one file, by slug, and the line of each."""

    path: Path
    by_slug: dict[str, Sentence]
    lines: dict[str, int]

    @classmethod
    def none(cls) -> Sentences:
        """No file, and nothing said."""
        return cls(Path(), {}, {})


def read_sentences(path: Path) -> Sentences:
    """Read a ``mistakes.yml``; where there is none, it says nothing.

    Raises:
        ExerciseError: it is wrong; the message says where.
    """
    if not path.is_file():
        return Sentences(path, {}, {})
    try:
        found = read_yaml(path)
    except YamlError as error:
        raise ExerciseError(str(error)) from None
    sentences = {}
    for slug, entry in found.data.items():
        if not re.fullmatch("[A-Za-z0-9-]+", str(slug)):
            raise ExerciseError(f"{path}:{found.line((slug,))}: {slug!r} is no slug; use letters, digits and -")
        try:
            said = _Entry.model_validate(entry)
        except ValidationError as error:
            problem = error.errors()[0]
            where = found.line((slug, *problem["loc"]))
            raise ExerciseError(f"{path}:{where}: {slug}: {advice(dict(problem), 'a mistake')}") from None
        sentences[slug] = Sentence(said.family, said.text, said.lecture.text if said.lecture else None)
    return Sentences(path, sentences, {slug: found.line((slug,)) for slug in sentences})


def with_sentences(
    mistakes: Iterable[Mistake], own: Sentences, course: Sentences, grading: Path
) -> tuple[Mistake, ...]:
    """The mistakes, each with its sentence: the exercise's own, or else the course's.

    Raises:
        ExerciseError: some have no sentence, or some of the exercise's own sentences are about none of them.
    """
    said = course.by_slug | own.by_slug
    found = [replace(mistake, sentence=mistake.sentence or said.get(mistake.slug)) for mistake in mistakes]
    problems = [
        f"{place_of(mistake.slug, grading)}: nothing is said of the mistake {mistake.slug!r}; "
        f"add it to {own.path}, or to {course.path} where other exercises have it, too"
        for mistake in found
        if mistake.sentence is None
    ]
    unused = own.by_slug.keys() - {mistake.slug for mistake in found}
    problems += [
        f"{own.path}:{own.lines[slug]}: {slug!r} is no mistake of {grading}; remove it"
        for slug in sorted(unused, key=own.lines.__getitem__)
    ]
    if problems:
        raise ExerciseError("\n".join(problems))
    return tuple(found)


def place_of(slug: str, grading: Path) -> str:
    """The file, with the line in it where a mistake is said to be known."""
    name = slug.replace("-", "_")
    lines = grading.read_text(encoding="utf-8").split("\n")
    number = next((number for number, line in enumerate(lines, 1) if f"{name}=" in line), None)
    return f"{grading}:{number}" if number else str(grading)
