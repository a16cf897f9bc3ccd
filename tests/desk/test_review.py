"""What was got wrong comes back when it is due, and what is known comes back later and later."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from grader.desk.progress import Kind, Record
from grader.desk.review import Due, Why, schedule

FIRST = date(2026, 11, 1)


def at(day: int, minute: int = 0) -> float:
    return datetime(2026, 11, day, 12, minute).timestamp()


def did(kind: Kind, day: int = 1, minute: int = 0, exercise: str = "weighted_sum") -> Record:
    return Record(at(day, minute), kind, exercise, {"number": 1})


def checked(score: float, *mistakes: str, day: int = 1, minute: int = 0, exercise: str = "weighted_sum") -> Record:
    data = {"score": score, "max_score": 4.0, "status": "graded", "mistakes": list(mistakes)}
    return Record(at(day, minute), "check", exercise, data)


def only(*records: Record) -> Due:
    (due,) = schedule(records)
    return due


@pytest.mark.parametrize(
    ("records", "why"),
    [
        ([checked(0, minute=1)], "not solved"),
        ([did("solution"), checked(4, minute=1)], "given up"),
        ([checked(1, "mean"), checked(4, minute=1)], "mistake"),
    ],
)
def test_what_was_got_wrong_comes_back_the_next_day(records: list[Record], why: Why) -> None:
    due = only(*records)
    assert ((due.on - FIRST).days, due.why) == (1, why)


def test_the_better_it_went_the_later_it_comes_back() -> None:
    helped = [did("hint"), checked(4, minute=1)]
    mended = [checked(1), checked(4, minute=1)]
    at_once = [checked(4), did("solution", minute=1)]  # looking at the solution afterwards is no giving up
    found = [only(*records) for records in (helped, mended, at_once)]
    days = [due.on for due in found]
    assert days == sorted(set(days))
    assert {due.why for due in found} == {"repetition"}


def test_what_nobody_tried_does_not_come_back() -> None:
    untouched = checked(0)
    untouched.data["status"] = "not_attempted"
    assert schedule([untouched, did("hint"), did("reset")]) == []


def test_intervals_grow_while_it_is_known_and_shrink_when_it_is_not() -> None:
    records = [checked(1, "mean")]
    waits = []
    day = 1
    for _ in range(3):
        on = (only(*records).on - FIRST).days + 1
        waits.append(on - day)
        day = on
        records += [did("reset", day), checked(4, day=day, minute=1)]
    assert waits[0] == 1
    assert waits == sorted(set(waits))
    forgotten = only(*records).on.day
    records += [did("reset", forgotten), checked(1, day=forgotten, minute=1)]
    assert (only(*records).on - date(2026, 11, forgotten)).days < waits[-1]


def test_an_old_answer_that_is_checked_once_more_tells_nothing() -> None:
    once = only(checked(4))
    assert only(checked(4), checked(4, day=9)) == once
    assert only(checked(4), did("reset", 9), checked(4, day=9, minute=1)).on > once.on
    assert only(checked(4), did("interview", 9), checked(4, day=9, minute=1)).on > once.on


def test_a_mistake_comes_back_where_it_was_made_last() -> None:
    made = [checked(1, "mean"), checked(4, minute=1), checked(1, "mean", day=2, exercise="masked_softmax")]
    found = {due.exercise: due for due in schedule(made)}
    assert found["masked_softmax"].mistakes == ("mean",)
    assert found["weighted_sum"].mistakes == ()
    assert found["masked_softmax"].on == date(2026, 11, 3)


def test_the_earliest_comes_first() -> None:
    due = schedule([checked(4, exercise="attention_masks"), checked(1)])
    assert [one.exercise for one in due] == ["weighted_sum", "attention_masks"]
