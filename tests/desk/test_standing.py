"""What is next, what counts as passed, minutes, days in a row, mistakes that keep being made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import pytest

from grader.course.course import LocatedCourse
from grader.desk.progress import Record
from grader.desk.standing import PAUSE_SECONDS, Standings, standings, what_is_next

Stands = Callable[..., Standings]
NOON = datetime(2026, 11, 29, 12).timestamp()
DAY = 24 * 3600.0


def checked(exercise: str, score: float = 6.0, at: float = NOON, mistakes: tuple[str, ...] = ()) -> Record:
    return Record(at, "check", exercise, {"score": score, "max_score": 6.0, "mistakes": list(mistakes)})


@pytest.fixture
def stands(course: LocatedCourse) -> Stands:
    def of(*records: Record) -> Standings:
        return standings(course.course, records)

    return of


def name_of_next(found: Standings) -> str | None:
    return found.next.entry.id if found.next else None


def test_a_newcomer_begins_with_the_first(stands: Stands) -> None:
    found = stands()
    assert (found.passed, name_of_next(found), found.minutes, found.streak()) == (0, "attention_by_hand", 0, 0)


def test_what_was_begun_last_comes_first(stands: Stands) -> None:
    begun = checked("masked_softmax", 2.0)
    assert name_of_next(stands(begun)) == "masked_softmax"
    assert stands(begun).of("masked_softmax").state == "begun"
    assert name_of_next(stands(begun, checked("attention_by_hand"))) == "dot_product_attention"


def test_else_it_is_the_first_that_is_left(stands: Stands) -> None:
    seen = Record(NOON, "solution", "dot_product_attention")
    passed = checked("attention_by_hand")
    assert name_of_next(stands(passed)) == "dot_product_attention"
    assert name_of_next(stands(passed, seen)) == "scaled_dot_product_attention"
    assert name_of_next(stands(passed, checked("scaled_dot_product_attention", 1.0), checked("weighted_sum"))) == (
        "dot_product_attention"
    )


def test_what_was_given_up_comes_back_at_the_end(course: LocatedCourse, stands: Stands) -> None:
    names = [entry.id for _, entry in course.course.entries()]
    seen = Record(NOON, "solution", names[0])
    others = [checked(name) for name in names[1:]]
    assert name_of_next(stands(seen, *others)) == names[0]
    assert name_of_next(stands(seen, *others, checked(names[0]))) is None
    assert "whole course" in what_is_next(stands(*others, checked(names[0]))).en


def test_once_passed_is_passed(stands: Stands) -> None:
    standing = stands(checked("weighted_sum", at=NOON), checked("weighted_sum", 1.0, NOON + 60)).of("weighted_sum")
    assert (standing.state, standing.score, standing.passed_at, standing.checks) == ("passed", 6.0, NOON, 2)


def test_it_is_said_as_people_say_it(stands: Stands) -> None:
    said = what_is_next(stands(checked("attention_by_hand")))
    assert said.en == "✓ 1 of 41 · next: Dot-product attention (15 min)"
    assert said.zh == "✓ 1/41 · 下一题：点积注意力（15 分钟）"


def test_pauses_are_not_work(stands: Stands) -> None:
    times = [NOON, NOON + 300, NOON + 300 + PAUSE_SECONDS + 1, NOON + 360 + PAUSE_SECONDS + 1]
    found = stands(*(checked("weighted_sum", 1.0, at) for at in times))
    assert found.of("weighted_sum").seconds == 360
    assert found.minutes == 6
    found = stands(checked("attention_by_hand", at=NOON), checked("weighted_sum", at=NOON + 60))
    assert [found.of(name).seconds for name in ("attention_by_hand", "weighted_sum")] == [0, 60]


def test_days_in_a_row(stands: Stands) -> None:
    today = date.fromtimestamp(NOON)
    three = [checked("weighted_sum", 1.0, NOON - back * DAY) for back in (2, 1, 0)]
    assert stands(*three).streak(today) == 3
    assert stands(*three[:2]).streak(today) == 2
    assert stands(three[0]).streak(today) == 0


def test_a_mistake_that_stays_is_one(stands: Stands) -> None:
    first = [checked("masked_softmax", 1.0, NOON + n, ("polarity",)) for n in range(3)]
    assert stands(*first).mistakes() == []
    again = checked("attention_masks", 1.0, NOON + 9, ("polarity", "dropped"))
    assert stands(*first, again).mistakes() == [("polarity", 2, ("masked_softmax", "attention_masks"))]


def test_hints_begin_anew_after_a_reset_and_ticks_can_be_taken_back(stands: Stands) -> None:
    hint = Record(NOON, "hint", "weighted_sum", {"number": 2})
    ticks = [Record(NOON, "tick", "weighted_sum", {"item": 1, "ticked": on}) for on in (True, False)]
    assert stands(hint, ticks[0]).of("weighted_sum").hints == 2
    assert stands(hint, ticks[0]).of("weighted_sum").ticked == {1}
    assert stands(hint, *ticks).of("weighted_sum").ticked == frozenset()
    assert stands(hint, Record(NOON, "reset", "weighted_sum")).of("weighted_sum").hints == 0


def test_what_was_done_under_an_old_id_counts(stands: Stands) -> None:
    hint = Record(NOON, "hint", "debug_sigmoid", {"number": 2})
    found = stands(hint, checked("debug_sigmoid", at=NOON + 60), checked("debug_1", 1.0, NOON + 90))
    standing = found.of("debug_1")
    assert (standing.state, standing.hints, standing.checks, standing.seconds) == ("passed", 2, 2, 90)


def test_records_of_another_course_do_not_count(stands: Stands) -> None:
    found = stands(checked("weighted_sum"), checked("of_another_course", 1.0))
    assert (found.passed, name_of_next(found)) == (1, "attention_by_hand")


def test_what_comes_back_on_one_day_is_in_the_order_of_the_course(stands: Stands) -> None:
    names = ["scaled_dot_product_attention", "attention_masks"]
    found = stands(*(checked(name, 1.0) for name in reversed(names)))
    assert [due.exercise for due in found.schedule] == names
    assert [due.exercise for due in found.due(date.fromtimestamp(NOON + DAY))] == names
    assert found.due(date.fromtimestamp(NOON)) == []


def test_an_interview_is_no_pause(stands: Stands) -> None:
    begun = Record(NOON, "interview", "weighted_sum", {"began": NOON, "minutes": 45, "file": "x.ipynb"})
    assert stands(begun, checked("weighted_sum", at=NOON + 40 * 60)).minutes == 40
