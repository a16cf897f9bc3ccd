"""The result of grading one submission: one data model, rendered for terminals, notebooks, JSON and nbgrader."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from grader.authoring.cases import Family
from grader.submission.notes import Note
from grader.text import Text, writable

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Status = Literal["graded", "not_attempted", "invalid", "crashed", "timeout", "out_of_memory", "not_graded"]
Language = Literal["en", "zh"]


@dataclass(frozen=True)
class Check:
    """One check: what was looked at, whether it passed, and what it is worth."""

    name: Text
    family: Family
    passed: bool
    points: float
    max_points: float
    hidden: bool
    message: Text


@dataclass(frozen=True)
class Diagnosis:
    """A known mistake; or, where ``mistake`` is ``"unknown"``, what was observed of one that is not known."""

    mistake: str
    family: Family
    message: Text


@dataclass(frozen=True)
class Environment:
    """Where the grade was made; ``sandbox`` names the layers that were active."""

    torch: str
    device: str
    grader: str
    sandbox: tuple[str, ...] = ()


Grid = tuple[tuple[str, ...], ...]
"""A matrix as it is written, row by row. Text, because JSON has no number for NaN."""


@dataclass(frozen=True)
class Comparison:
    """What was expected and what came, side by side: as much of one matrix as can be taken in.

    Args:
        name: of the matrix, as Python writes it: ``weights[0, 1]``.
        kind: attention weights, a boolean mask, or other numbers.
        expected, got: the same rows and columns of both.
        wrong: entries (row, column) of ``got`` that are wrong.
        row, column: where in the matrix the first row and column are.
        size: of the whole matrix.
    """

    name: str
    kind: Literal["weights", "mask", "numbers"]
    expected: Grid
    got: Grid
    wrong: tuple[tuple[int, int], ...]
    row: int
    column: int
    size: tuple[int, int]


@dataclass(frozen=True)
class Example:
    """One case that fails, to be looked at.

    Args:
        check: the name of its check.
        said: what is wrong there.
        code: what makes the call again; empty where it takes more than a call.
        comparison: what was expected beside what came, where there are numbers to compare.
        hidden: its inputs are not for everybody who reads the report.
    """

    check: Text
    said: Text
    code: str
    comparison: Comparison | None
    hidden: bool


@dataclass(frozen=True)
class Report:
    """The grade of one submission, with every reason for it; and notes of what happened on the way and cost nothing.

    There is no score where the grader itself failed: nothing is known of the submission then. An `example` that is
    hidden is for the learner's own screen alone; JSON does not have it.
    """

    schema: Literal[1] = field(default=1, kw_only=True)
    exercise: str
    submission: str
    status: Status
    score: float | None
    max_score: float
    checks: tuple[Check, ...] = ()
    diagnosis: tuple[Diagnosis, ...] = ()
    notes: tuple[Note, ...] = ()
    environment: Environment = field(default_factory=lambda: Environment("", "cpu", ""))
    seconds: float = 0.0
    example: Example | None = None

    @property
    def passed(self) -> bool:
        """True for full marks."""
        return self.status == "graded" and self.score == self.max_score

    @property
    def percent(self) -> float:
        """The score as a percentage of the points that there are."""
        return 100 * (self.score or 0.0) / self.max_score if self.max_score else 0.0

    @property
    def public(self) -> Report:
        """The report as others may read it: without the inputs of a hidden case."""
        return replace(self, example=None) if self.example and self.example.hidden else self

    def to_json(self, language: Language = "en") -> dict[str, Any]:
        """The report as the documented JSON object, its messages in one language."""
        rounded = replace(self.public, submission=writable(self.submission), seconds=round(self.seconds, 4))
        (written,) = json_form().dump_python([rounded], mode="json", context={"language": language})
        return dict(written)


@cache
def json_form() -> TypeAdapter[list[Report]]:
    """How reports are written as JSON and read back."""
    from pydantic import ConfigDict, TypeAdapter

    return TypeAdapter(list[Report], config=ConfigDict(strict=True, json_schema_serialization_defaults_required=True))


def reports_from_json(text: str | bytes) -> list[Report]:
    """The reports that ``attn grade --json`` wrote; each message says in both languages what was written in one.

    Fields that are not known are passed over: a later version may write more.

    Raises:
        ValueError: it is not the JSON of reports.
    """
    return json_form().validate_json(text)
