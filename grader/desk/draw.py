"""Draws the questions of an interview: such as fit the time, likelier those that the learner is weak at."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Literal

from grader.text import Text

if TYPE_CHECKING:
    from grader.desk.standing import Standing, Standings

Level = Literal["easy", "medium", "hard"]
LEVELS: dict[Level, Collection[int]] = {"easy": (1, 2), "medium": (3,), "hard": (4, 5)}
"""Each with its difficulties in the course."""


class NothingFitsError(Exception):
    """No question is what was asked for; the text says what there is."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


def draw(
    found: Standings,
    minutes: int,
    topic: str | None,
    level: Level | None,
    names: Callable[[str], set[str]],
    chance: random.Random,
) -> list[Standing]:
    """Questions that together take no more than so many minutes.

    Args:
        topic: an assignment, a tag, or a word of titles.
        names: the names that an exercise's code defines; two questions of one interview share none.

    Raises:
        NothingFitsError: there is none.
    """
    asked = [one for one in found if (not topic or _is_about(one, topic)) and (not level or _is_of(one, level))]
    if not asked:
        raise NothingFitsError(_no_such(found, topic, level))
    shortest = min(one.entry.minutes for one in asked)
    if shortest > minutes:
        raise NothingFitsError(
            Text(
                f"The shortest of these questions takes {shortest} minutes; say --minutes {shortest}.",
                f"这些题中最短的也需要 {shortest} 分钟；请使用 --minutes {shortest}。",
            )
        )
    drawn: list[Standing] = []
    taken: set[str] = set()
    for one in _shuffled(asked, found, chance):
        fits = sum(other.entry.minutes for other in drawn) + one.entry.minutes <= minutes
        if fits and not taken & (own := names(one.entry.id)):
            drawn.append(one)
            taken |= own
    return drawn


def _shuffled(asked: Sequence[Standing], found: Standings, chance: random.Random) -> list[Standing]:
    """In an order by chance, in which one of twice the weight is twice as likely to come first."""
    due = {one.exercise for one in found.due()}
    weak = {tag for one in found if one.state == "begun" or one.entry.id in due for tag in one.entry.tags}

    def weight(one: Standing) -> float:
        ready = all(found.of(need).state == "passed" for need in one.entry.needs)
        base = {"passed": 1.0, "begun": 4.0, "new": 2.0 if ready else 0.5}[one.state]
        return base + 4.0 * (one.entry.id in due) + len(weak.intersection(one.entry.tags))

    return sorted(asked, key=lambda one: chance.random() ** (1 / weight(one)), reverse=True)


def _is_about(one: Standing, topic: str) -> bool:
    word = topic.casefold()
    titles = [one.entry.id, one.entry.title.en, one.entry.title.zh, one.assignment.title.en, one.assignment.title.zh]
    return word in one.entry.tags or word in one.assignment.id or any(word in title.casefold() for title in titles)


def _is_of(one: Standing, level: Level) -> bool:
    return one.entry.difficulty in LEVELS[level]


def _no_such(found: Standings, topic: str | None, level: Level | None) -> Text:
    if topic and any(_is_about(one, topic) for one in found):
        there = ", ".join(name for name in LEVELS if any(_is_about(one, topic) and _is_of(one, name) for one in found))
        return Text(
            f"No question on {topic} is {level}; there are: {there}.", f"{topic} 没有 {level} 难度的题；有：{there}。"
        )
    topics = ", ".join(sorted({tag for one in found for tag in one.entry.tags}))
    return Text(f"No question is on {topic!r}; topics are: {topics}.", f"没有关于 {topic!r} 的题；主题有：{topics}。")
