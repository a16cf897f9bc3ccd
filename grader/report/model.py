"""The result of grading one submission: one data model, rendered for terminals, notebooks, JSON and nbgrader."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from grader.authoring.cases import Family
from grader.submission.notes import Note
from grader.text import Text

SCHEMA = 1
Status = Literal["graded", "not_attempted", "invalid", "crashed", "timeout", "out_of_memory"]
Language = Literal["en", "zh"]


@dataclass(frozen=True)
class Check:
    """One check: what was looked at, whether it passed, and what it is worth."""

    name: str
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
    """The grade of one submission, with every reason for it; and notes of what happened on the way and cost nothing."""

    exercise: str
    submission: str
    status: Status
    score: float
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
        return 100 * self.score / self.max_score if self.max_score else 0.0

    def to_json(self, language: Language = "en") -> dict[str, Any]:
        """The report as the documented JSON object, its messages in one language."""
        flat = asdict(self)
        for name in ("checks", "diagnosis", "notes"):
            for part in flat[name]:
                part["message"] = getattr(Text(*part["message"]), language)
        return {"schema": SCHEMA, **flat, "seconds": round(self.seconds, 4)}
