"""Where known mistakes show: what is wrong with their answers, looked at when first needed and kept with the key."""

from __future__ import annotations

from collections.abc import Iterable
from weakref import WeakKeyDictionary

from grader.course.key import AnswerKey
from grader.verdict.evidence import ANSWER_FACETS, Facet, Problem, problems_of

Place = tuple[int, Facet]
"""A question by its number, and what of its answer."""


class Effects:
    """What is wrong with the answers of each known mistake of a key."""

    def __init__(self, key: AnswerKey) -> None:
        # Not the key itself: these are kept for as long as it is.
        self._questions, self._mistakes = key.questions, key.mistakes
        self._found: dict[tuple[int, int], dict[Facet, Problem]] = {}

    def in_answer(self, number: int, question: int) -> dict[Facet, Problem]:
        """What is wrong with one answer of a mistake, by facet."""
        if (number, question) not in self._found:
            asked, problems = self._questions[question], list[Problem]()
            # As for a submission, a derived question does not count where its base is answered wrongly.
            if asked.base is None or not self.in_answer(number, asked.base).keys() & set(ANSWER_FACETS):
                predicted = self._mistakes[number].predicted[question]
                # The right answer itself, which stands for one that is as good, is in float64.
                problems = [] if predicted is asked.right else problems_of(question, asked, predicted)
            self._found[number, question] = {problem.facet: problem for problem in problems}
        return self._found[number, question]

    def of(self, number: int) -> set[Place]:
        """Everywhere that a mistake shows, without what follows from a wrong answer."""
        found = [self.in_answer(number, i).values() for i in range(len(self._questions))]
        return {problem.key for problem in causes(problem for problems in found for problem in problems)}


def causes(problems: Iterable[Problem]) -> list[Problem]:
    """The problems without those that only follow: a wrong answer has wrong gradients, and none comes of what is not
    there."""
    everything = list(problems)
    wrong_answers = {problem.case for problem in everything if problem.facet in ANSWER_FACETS}
    forbidden = {problem.case for problem in everything if problem.facet == "forbidden"}
    follows = {"gradient": wrong_answers, "raised": forbidden}
    return [problem for problem in everything if problem.case not in follows.get(problem.facet, ())]


_of_keys: WeakKeyDictionary[AnswerKey, Effects] = WeakKeyDictionary()


def effects_of(key: AnswerKey) -> Effects:
    """The effects of a key's mistakes; what was found out once is known the next time."""
    if key not in _of_keys:
        _of_keys[key] = Effects(key)
    return _of_keys[key]
