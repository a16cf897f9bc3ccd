"""Where a learner stands in a course: what is passed, what is next, minutes, days in a row, mistakes made again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from grader.desk.interview import Scorecard, scorecards
from grader.desk.review import Due, schedule
from grader.text import Text

if TYPE_CHECKING:
    from grader.course.course import Assignment, Course, ExerciseEntry
    from grader.desk.progress import Record

State = Literal["new", "begun", "passed"]
PAUSE_SECONDS = 30 * 60.0
"""Who does nothing for longer has gone away: the time does not count."""
OFTEN = 2
"""A mistake is one that you keep making when it came up so many times."""
MARKS: dict[State, str] = {"new": "○", "begun": "▶", "passed": "✓"}


@dataclass(frozen=True)
class Standing:
    """How a learner stands in one exercise.

    Args:
        score: the best so far; None before the first check.
        passed_at: the time of the first check with full marks, in seconds since 1970.
        hints: how many were given since the exercise was last begun anew.
        seconds: spent on it, as far as records tell: from one record to the next, but for pauses.
        ticked: items of the self-review, from 1, that the learner's answer has.
    """

    assignment: Assignment
    entry: ExerciseEntry
    score: float | None = None
    passed_at: float | None = None
    checks: int = 0
    hints: int = 0
    solution_seen: bool = False
    seconds: float = 0.0
    ticked: frozenset[int] = frozenset()

    @property
    def best(self) -> str:
        """The best score, of all points; empty before the first check."""
        return "" if self.score is None else f"{self.score:.4g}/{self.entry.points:g}"

    @property
    def state(self) -> State:
        """New, begun (checked, or helped with), or passed."""
        if self.passed_at is not None:
            return "passed"
        return "begun" if self.checks or self.hints or self.solution_seen else "new"


@dataclass(frozen=True)
class Standings:
    """A course with a learner in it: every exercise in its order."""

    all: tuple[Standing, ...]
    records: tuple[Record, ...]

    def __iter__(self) -> Iterator[Standing]:
        return iter(self.all)

    def of(self, exercise: str) -> Standing:
        """The standing in an exercise of the course."""
        return next(standing for standing in self.all if standing.entry.id == exercise)

    @property
    def passed(self) -> int:
        """How many exercises are passed."""
        return sum(standing.state == "passed" for standing in self.all)

    @property
    def next(self) -> Standing | None:
        """What to do next: what was begun last, else the first that is left; None when all is passed.

        An exercise comes after all that it needs in a course, so the first that is left is ready to be done. One whose
        solution was seen comes back when nothing else is left.
        """
        left = {standing.entry.id: standing for standing in self.all if standing.state != "passed"}
        fresh = {name: standing for name, standing in left.items() if not standing.solution_seen}
        last = self.records[-1].exercise if self.records else ""
        if last in fresh:
            return fresh[last]
        return next(iter([*fresh.values(), *left.values()]), None)

    @property
    def minutes(self) -> float:
        """Spent on the course."""
        return sum(standing.seconds for standing in self.all) / 60

    @cached_property
    def schedule(self) -> list[Due]:
        """What comes back, and when: the earliest first, and those of one day in the order of the course."""
        order = [standing.entry.id for standing in self.all]
        return sorted(schedule(self.records), key=lambda due: (due.on, order.index(due.exercise)))

    @property
    def interviews(self) -> list[Scorecard]:
        """Every interview that was handed in, the latest first."""
        return scorecards(self.records)

    def due(self, today: date | None = None) -> list[Due]:
        """What is to be repeated today, or has been since before."""
        return [one for one in self.schedule if one.on <= (today or date.today())]

    @property
    def slugs(self) -> set[str]:
        """The mistakes of which there is something to say."""
        return {slug for slug, _, _ in self.mistakes()} | {slug for due in self.schedule for slug in due.mistakes}

    def days(self) -> set[date]:
        """The days on which something was checked."""
        return {date.fromtimestamp(record.at) for record in self.records if record.kind == "check"}

    def streak(self, today: date | None = None) -> int:
        """Days in a row with a check, up to today, or up to yesterday where today has none yet."""
        days = self.days()
        day = today or date.today()
        if day not in days:
            day -= timedelta(days=1)
        count = 0
        while day in days:
            count, day = count + 1, day - timedelta(days=1)
        return count

    def mistakes(self) -> list[tuple[str, int, tuple[str, ...]]]:
        """Mistakes that keep being made, most often first: slug, how often, in which exercises.

        A mistake that stays while one exercise is worked on counts once.
        """
        times: Counter[str] = Counter()
        where: dict[str, dict[str, None]] = {}
        before: dict[str, set[str]] = {}
        for record in self.records:
            if record.kind != "check":
                continue
            made = set(record.data["mistakes"])
            for slug in record.data["mistakes"]:
                if slug not in before.get(record.exercise, ()):
                    times[slug] += 1
                    where.setdefault(slug, {})[record.exercise] = None
            before[record.exercise] = made
        return [(slug, count, tuple(where[slug])) for slug, count in times.most_common() if count >= OFTEN]


def standings(course: Course, records: Iterable[Record]) -> Standings:
    """Where the learner stands, by what was recorded of the exercises of this course."""
    entries = [(assignment, entry) for assignment, entry in course.entries()]
    kept = tuple(_of_this(course, records))
    seconds = _seconds(kept)
    own: dict[str, list[Record]] = {}
    for record in kept:
        own.setdefault(record.exercise, []).append(record)
    return Standings(
        tuple(
            _standing(assignment, entry, own.get(entry.id, []), seconds.get(entry.id, 0.0))
            for assignment, entry in entries
        ),
        kept,
    )


def _of_this(course: Course, records: Iterable[Record]) -> Iterator[Record]:
    """The records of a course's exercises, each under the id that its exercise has now."""
    now = {name: entry.id for _, entry in course.entries() for name in (entry.id, *entry.formerly)}
    for record in records:
        if record.exercise in now:
            yield replace(record, exercise=now[record.exercise])


def _standing(assignment: Assignment, entry: ExerciseEntry, records: Sequence[Record], seconds: float) -> Standing:
    checks = [record for record in records if record.kind == "check"]
    full = [record.at for record in checks if record.data["score"] >= record.data["max_score"]]
    ticks = {record.data["item"]: record.data["ticked"] for record in records if record.kind == "tick"}
    return Standing(
        assignment,
        entry,
        score=max((record.data["score"] for record in checks), default=None),
        passed_at=min(full, default=None),
        checks=len(checks),
        hints=hints_given(records, entry.id),
        solution_seen=any(record.kind == "solution" for record in records),
        seconds=seconds,
        ticked=frozenset(item for item, on in ticks.items() if on),
    )


def hints_given(records: Iterable[Record], exercise: str) -> int:
    """How many hints a learner has had since an exercise was last begun anew."""
    given = 0
    for record in records:
        if record.exercise == exercise and record.kind == "hint":
            given = max(given, record.data["number"])
        elif record.exercise == exercise and record.kind == "reset":
            given = 0
    return given


def _seconds(records: Sequence[Record]) -> dict[str, float]:
    spent: dict[str, float] = {}
    for before, after in pairwise(records):
        # Nothing is recorded in an interview until it is handed in.
        most = PAUSE_SECONDS if before.kind != "interview" else 60 * before.data["minutes"] + PAUSE_SECONDS
        if after.at - before.at <= most:
            spent[after.exercise] = spent.get(after.exercise, 0.0) + after.at - before.at
    return spent


def what_is_next(found: Standings) -> Text:
    """What is said when an exercise has just been passed: how far one is, and what is next."""
    count = f"{found.passed}/{len(found.all)}"
    following = found.next
    if following is None:
        return Text(f"✓ {count} · that was the whole course", f"✓ {count} · 整个课程已完成")
    entry = following.entry
    return Text(
        f"✓ {found.passed} of {len(found.all)} · next: {entry.title.en} ({entry.minutes} min)",
        f"✓ {count} · 下一题：{entry.title.zh}（{entry.minutes} 分钟）",
    )
