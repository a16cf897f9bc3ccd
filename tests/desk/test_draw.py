"""An interview's questions fit the time, and are likelier such as one is weak at."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from grader.course.course import LocatedCourse
from grader.desk.draw import LEVELS, Level, NothingFitsError, draw
from grader.desk.progress import Record
from grader.desk.standing import Standing, Standings, standings

Draws = Callable[..., list[Standing]]
SEEDS = range(60)


def alone(exercise: str) -> set[str]:
    return {exercise}


@pytest.fixture
def stands(course: LocatedCourse) -> Callable[..., Standings]:
    return lambda *records: standings(course.course, records)


def wrong(exercise: str) -> Record:
    data = {"score": 1, "max_score": 6.0, "mistakes": []}
    return Record((datetime.now() - timedelta(days=2)).timestamp(), "check", exercise, data)


def how_often(found: Standings, minutes: int = 25) -> Counter[str]:
    drawn = (draw(found, minutes, None, None, alone, random.Random(seed)) for seed in SEEDS)
    return Counter(one.entry.id for questions in drawn for one in questions)


@pytest.mark.parametrize("minutes", [15, 45, 90])
def test_questions_fit_the_time(stands: Callable[..., Standings], minutes: int) -> None:
    found = stands()
    for seed in SEEDS:
        drawn = draw(found, minutes, None, None, alone, random.Random(seed))
        assert 0 < sum(one.entry.minutes for one in drawn) <= minutes
        left = minutes - sum(one.entry.minutes for one in drawn)
        assert not any(one.entry.minutes <= left for one in found if one not in drawn), "as many as fit"


def test_what_went_wrong_is_likelier_and_so_is_what_is_like_it(stands: Callable[..., Standings]) -> None:
    before, after = how_often(stands()), how_often(stands(wrong("debug_3")))
    assert after["debug_3"] > 2 * before["debug_3"]
    others = [name for name in after if name.startswith("debug_") and name != "debug_3"]
    assert sum(after[name] for name in others) > sum(before[name] for name in others)


@pytest.mark.parametrize(
    ("topic", "expected"),
    [("masking", "masking"), ("Debugging", "debugging"), ("调试", "debugging"), ("04-efficiency", ""), ("heads", "")],
)
def test_the_topic_may_be_a_tag_an_assignment_or_a_word(
    stands: Callable[..., Standings], topic: str, expected: str
) -> None:
    (drawn, *_) = draw(stands(), 60, topic, None, alone, random.Random(1))
    assert expected in drawn.entry.tags or topic in (drawn.assignment.id, *drawn.entry.tags)


@pytest.mark.parametrize("level", list(LEVELS))
def test_the_level_is_kept_to(stands: Callable[..., Standings], level: Level) -> None:
    for seed in SEEDS:
        drawn = draw(stands(), 90, None, level, alone, random.Random(seed))
        assert all(one.entry.difficulty in LEVELS[level] for one in drawn)


@pytest.mark.parametrize(
    ("minutes", "topic", "level", "said"),
    [
        (5, None, None, "The shortest of these questions takes 10 minutes; say --minutes 10."),
        (45, "cooking", None, "No question is on 'cooking'; topics are: attention, autograd,"),
        (45, "kernel", "easy", "No question on kernel is easy; there are: hard."),
    ],
)
def test_where_nothing_fits_it_is_said_what_does(
    stands: Callable[..., Standings], minutes: int, topic: str | None, level: Level | None, said: str
) -> None:
    with pytest.raises(NothingFitsError) as raised:
        draw(stands(), minutes, topic, level, alone, random.Random(1))
    assert raised.value.text.en.startswith(said)


def test_two_questions_define_nothing_of_the_same_name(stands: Callable[..., Standings]) -> None:
    for seed in SEEDS:
        drawn = draw(stands(), 90, None, None, lambda exercise: {exercise[0]}, random.Random(seed))
        assert len({one.entry.id[0] for one in drawn}) == len(drawn)
