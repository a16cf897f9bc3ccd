"""What comes back, and when: spaced repetition over exercises and mistakes, by the FSRS scheduler.

An exercise and a mistake are each a card. Everything that happened to one on one day is one review: a mistake that was
made, an exercise that was given up or left unsolved, is forgotten; one that was solved at once is easy. All of it is
computed from the records, as what is passed and what is next are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from grader.text import Text

if TYPE_CHECKING:
    from fsrs import Card, Rating

    from grader.desk.progress import Record

Why = Literal["given up", "not solved", "mistake", "repetition"]
REASONS: dict[Why, Text] = {
    "given up": Text("you looked at the solution", "你看过参考解答"),
    "not solved": Text("not solved yet", "尚未做出"),
    "mistake": Text("a mistake of yours comes back", "重练犯过的错误"),
    "repetition": Text("so that you keep it", "巩固记忆"),
}
BEGUN_ANEW = ("reset", "interview")
"""Kinds of records after which an answer is written again from the start."""


@dataclass(frozen=True)
class Due:
    """An exercise that is to be done again.

    Args:
        on: the day on which it is due.
        mistakes: those that come back with it, by slug.
    """

    exercise: str
    on: date
    why: Why
    mistakes: tuple[str, ...] = ()


def schedule(records: Sequence[Record]) -> list[Due]:
    """Every exercise that was ever tried, with the day on which it comes back, the earliest first."""
    days = list(_days(records))
    exercises = _replayed((day.on, day.exercise, rating) for day in days if (rating := day.rating))
    mistakes = _replayed(_of_mistakes(days))
    why = {day.exercise: day.why for day in days if day.rating}
    where = {slug: day.exercise for day in days for slug in day.mistakes}
    due = []
    for exercise, card in exercises.items():
        own = sorted(slug for slug, last in where.items() if last == exercise)
        earliest = min([card.due, *(mistakes[slug].due for slug in own)])
        returning = tuple(slug for slug in own if mistakes[slug].due <= earliest)
        reason: Why = "mistake" if returning and why[exercise] == "repetition" else why[exercise]
        due.append(Due(exercise, earliest.date(), reason, returning))
    return sorted(due, key=lambda one: one.on)


@dataclass
class _Day:
    """What happened to one exercise on one day.

    Args:
        anew: whether the answer was begun anew since it was last right: a right answer that is checked once more tells
            nothing.
    """

    on: date
    exercise: str
    anew: bool
    records: list[Record]

    @property
    def tries(self) -> list[Record]:
        """The checks of something that was written, or had to be: in an interview."""
        asked = any(one.kind == "scorecard" for one in self.records)
        checks = (one for one in self.records if one.kind == "check")
        return [one for one in checks if asked or one.data.get("status") != "not_attempted"]

    @property
    def passed(self) -> bool:
        """Whether it was right in the end, and written anew."""
        return self.anew and any(map(_is_full, self.tries))

    @property
    def given_up(self) -> bool:
        """Whether the solution was looked at before it was right."""
        before = (one for one in self.records if one.kind == "solution" or _is_full(one))
        return self.anew and getattr(next(before, None), "kind", "") == "solution"

    @property
    def mistakes(self) -> dict[str, None]:
        """The mistakes that were made."""
        return dict.fromkeys(slug for one in self.tries for slug in one.data["mistakes"])

    @property
    def why(self) -> Why:
        """Why it comes back."""
        if self.given_up:
            return "given up"
        return "repetition" if self.passed else "not solved"

    @property
    def rating(self) -> Rating | None:
        """How well it went, for the scheduler; None where the day tells nothing."""
        from fsrs import Rating

        if self.given_up:
            return Rating.Again
        if not self.passed:
            return Rating.Again if any(not _is_full(one) for one in self.tries) else None
        if any(one.kind == "hint" for one in self.records):
            return Rating.Hard
        return Rating.Easy if _is_full(self.tries[0]) else Rating.Good


def _days(records: Sequence[Record]) -> Iterator[_Day]:
    """Every day with every exercise that was worked on, in order."""
    found: dict[tuple[str, date], _Day] = {}
    known: set[str] = set()
    for record in records:
        on = date.fromtimestamp(record.at)
        key = record.exercise, on
        if record.kind in BEGUN_ANEW:
            known.discard(record.exercise)
        if key not in found:
            found[key] = _Day(on, record.exercise, record.exercise not in known, [])
        found[key].anew |= record.exercise not in known
        found[key].records.append(record)
        if _is_full(record):
            known.add(record.exercise)
    yield from found.values()


def _of_mistakes(days: Sequence[_Day]) -> Iterator[tuple[date, str, Rating]]:
    """The reviews of mistakes: made, made and mended, or not made where they had been."""
    from fsrs import Rating

    where: dict[str, set[str]] = {}
    for day in days:
        for slug in day.mistakes:
            where.setdefault(slug, set()).add(day.exercise)
            yield day.on, slug, Rating.Hard if day.passed else Rating.Again
        if day.passed:
            for slug, exercises in where.items():
                if day.exercise in exercises and slug not in day.mistakes:
                    yield day.on, slug, Rating.Good


def _replayed(reviews: Iterator[tuple[date, str, Rating]]) -> dict[str, Card]:
    """The card of each name after all of its reviews: one a day, the worst of that day."""
    from fsrs import Card

    worst: dict[tuple[date, str], Rating] = {}
    for on, name, rating in reviews:
        worst[on, name] = min(rating, worst.get((on, name), rating))
    cards: dict[str, Card] = {}
    for (on, name), rating in sorted(worst.items()):
        cards[name], _ = _scheduler().review_card(cards.get(name, Card(card_id=0)), rating, _noon(on))
    return cards


@cache
def _scheduler() -> Any:
    """FSRS with its own parameters; without steps of minutes, since an exercise takes longer than they last."""
    from fsrs import Scheduler

    return Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False)


def _noon(day: date) -> datetime:
    """A day as the scheduler takes it: whole days lie between."""
    return datetime.combine(day, time(12), UTC)


def _is_full(record: Record) -> bool:
    return record.kind == "check" and bool(record.data["score"] >= record.data["max_score"])
