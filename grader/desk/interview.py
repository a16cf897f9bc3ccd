"""An interview: which questions, since when and for how long, by what is recorded of it.

Each of its questions has a record of the kind ``interview`` from when it began, and one of the kind ``scorecard`` from
when it was handed in.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.text import Text

if TYPE_CHECKING:
    from grader.desk.progress import Progress, Record


@dataclass(frozen=True)
class Interview:
    """An interview that was begun.

    Args:
        began: when, in seconds since 1970; no two began at the same time.
        minutes: how long it lasts.
        file: the notebook or script that it is written in.
    """

    began: float
    minutes: int
    file: Path
    exercises: tuple[str, ...]

    @property
    def until(self) -> datetime:
        """When the time is up."""
        return datetime.fromtimestamp(self.began + 60 * self.minutes)

    def used(self, now: float | None = None) -> float:
        """Minutes since it began."""
        return ((now or time.time()) - self.began) / 60

    def runs(self, now: float | None = None) -> bool:
        """Whether there is time left."""
        return self.used(now) < self.minutes

    def is_forgotten(self, now: float | None = None) -> bool:
        """Whether its time has been up for so long that nobody will hand it in."""
        return self.used(now) > 2 * self.minutes


@dataclass(frozen=True)
class Score:
    """Points, of so many."""

    got: float
    of: float

    def __str__(self) -> str:
        return f"{self.got:.4g}/{self.of:g}"


@dataclass(frozen=True)
class QuestionScore:
    """How one question went.

    Args:
        points: those of its report.
        correct: the cases that a learner knows of; ``edges``: those that they have to think of.
        follow_ups: by the learner's own judgement, two points each; None where nobody was asked.
        written: items of the rubric; None where nothing was to be written, or nobody was asked.
        said: what the learner answered to follow-up questions.
    """

    exercise: str
    points: Score
    correct: Score
    edges: Score
    follow_ups: Score | None = None
    written: Score | None = None
    said: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Scorecard:
    """How an interview went."""

    began: float
    minutes: int
    used: float
    questions: tuple[QuestionScore, ...]

    @property
    def solved(self) -> int:
        """How many questions got full marks."""
        return sum(one.points.got >= one.points.of for one in self.questions)


def begin(progress: Progress, file: Path, minutes: int, exercises: tuple[str, ...]) -> Interview:
    """Start the clock."""
    begun = Interview(time.time(), minutes, file, exercises)
    for exercise in exercises:
        progress.add("interview", exercise, began=begun.began, minutes=minutes, file=str(file))
    return begun


def end(progress: Progress, card: Scorecard) -> None:
    """Record how it went."""
    for one in card.questions:
        kept = {name: value for name, value in asdict(one).items() if name != "exercise"}
        progress.add("scorecard", one.exercise, began=card.began, minutes=card.minutes, used=card.used, **kept)


def current(records: Iterable[Record]) -> Interview | None:
    """The interview that was begun last, unless it was handed in; its time may be up."""
    last: Interview | None = None
    for record in records:
        if record.kind == "interview":
            began = record.data["began"]
            before = last.exercises if last and last.began == began else ()
            last = Interview(began, record.data["minutes"], Path(record.data["file"]), (*before, record.exercise))
        elif record.kind == "scorecard" and last and record.data["began"] == last.began:
            last = None
    return last


def scorecards(records: Iterable[Record]) -> list[Scorecard]:
    """Every interview that was handed in, the latest first."""
    found: dict[float, Scorecard] = {}
    for record in records:
        if record.kind == "scorecard":
            data = record.data
            before = found[data["began"]].questions if data["began"] in found else ()
            one = QuestionScore(
                record.exercise,
                **{name: _score(data[name]) for name in ("points", "correct", "edges", "follow_ups", "written")},
                said=tuple((question, answer) for question, answer in data["said"]),
            )
            found[data["began"]] = Scorecard(data["began"], data["minutes"], data["used"], (*before, one))
    return list(reversed(found.values()))


NONE_RUNS = Text(
    "No interview is going on; `attn interview` begins one.", "现在没有面试；运行 `attn interview` 开始一场。"
)


def not_now(interview: Interview | None, exercise: str) -> Text | None:
    """Why there is no hint and no check of an exercise now: it is asked in an interview. None where there is."""
    if interview is None or exercise not in interview.exercises or not interview.runs():
        return None
    left = max(1, round(interview.minutes - interview.used()))
    return Text(
        f"{exercise} is asked in your interview, which goes on for {left} min: no checks, hints or solutions of it "
        "before you hand in (`attn interview --hand-in`, or `hand_in()` in the notebook).",
        f"面试还剩 {left} 分钟，其中有 {exercise}：交卷之前不能检查，也没有提示和解答"
        "（交卷：`attn interview --hand-in`，或在笔记本中运行 `hand_in()`）。",
    )


def _score(data: Any) -> Any:
    return None if data is None else Score(**data)
