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


@dataclass(frozen=True)
class Report:
    """The grade of one submission, with every reason for it; and notes of what happened on the way and cost nothing.

    There is no score where the grader itself failed: nothing is known of the submission then.
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

    @property
    def passed(self) -> bool:
        """True for full marks."""
        return self.status == "graded" and self.score == self.max_score

    @property
    def percent(self) -> float:
        """The score as a percentage of the points that there are."""
        return 100 * (self.score or 0.0) / self.max_score if self.max_score else 0.0

    def to_json(self, language: Language = "en") -> dict[str, Any]:
        """The report as the documented JSON object, its messages in one language."""
        rounded = replace(self, submission=writable(self.submission), seconds=round(self.seconds, 4))
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
