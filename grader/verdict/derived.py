"""Says what is wrong in the questions that the grader derives: in which circumstances an answer that is right fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from grader.course.derived.circumstances import FIRST_ALONE, LARGE, LAST_ALONE, REVERSED, SIZES, STRIDED
from grader.course.derived.device import ON_ACCELERATOR
from grader.course.derived.modules import BUILT, CONVERTED, TRAINING
from grader.course.key import AnswerKey, Question
from grader.text import Text
from grader.values.tree import at
from grader.verdict import messages
from grader.verdict.conduct import gives_an_earlier_answer
from grader.verdict.evidence import Problem
from grader.wire.calls import Outcome

Describe = Callable[[AnswerKey, Question, Problem, Outcome], Text]

_DROPS_NOT = {
    "at first": messages.DROPS_NOTHING,
    "after evaluation": messages.DROPS_NOT_AFTER_EVALUATION,
    "without gradients": messages.DROPS_NOT_WITHOUT_GRADIENTS,
}
"""What is wrong where a module should be random in training mode, by when that is looked at."""
_WHERE = {
    FIRST_ALONE: messages.FIRST_ALONE,
    LAST_ALONE: messages.LAST_ALONE,
    REVERSED: messages.IN_REVERSE,
    STRIDED: messages.STRIDED,
    BUILT: messages.BUILT_IN_OTHER_SIZES,
    TRAINING: messages.TRAINING_WITHOUT_DROPOUT,
    CONVERTED: messages.IN_FLOAT64,
}
"""The circumstances, by the name of a call or the reason of a question."""
_OF_SEVERAL = (SIZES, CONVERTED)
"""Questions whose answers are several, by name."""
_KEPT = {
    "in evaluation after training": messages.OTHERWISE_AFTER_TRAINING,
    "the seed counts": messages.SEEDS_BY_ITSELF,
    "names that came or went": messages.STATE_CHANGES_NAMES,
}
"""What is said where a part of an answer is wrong that says all by itself."""


def describe_derived(key: AnswerKey, question: Question, problem: Problem, got: Outcome, describe: Describe) -> Text:
    """One sentence about one problem.

    Args:
        key, question, problem, got: what is wrong where.
        describe: says what is wrong with an answer in itself.
    """
    if problem.facet == "raised":
        what, where = describe(key, replace(question, base=None), problem, got), _WHERE.get(question.reason)
        return what if where is None else messages.RIGHT_BUT_NOT.format(where=where, what=what)
    part = str(problem.path[0]) if problem.path else ""
    if part in _DROPS_NOT and isinstance(right := problem.part_of(question.right.value), bool):
        return _DROPS_NOT[part] if right else messages.DIFFERS_IN_TRAINING
    if part in _KEPT:
        return _KEPT[part]
    if question.reason == LARGE and len(problem.path) == 2:
        if problem.path[1] == "values":
            return messages.LARGE_VALUES.format(name=part)
        return messages.LARGE_GRADIENTS.format(name=part)
    if question.reason == ON_ACCELERATOR and isinstance(made_by := problem.part_of(got.value), str):
        return messages.DEVICES_MEET.format(made_by=made_by[:80])
    if question.family == "state" and question.reason != CONVERTED:
        earlier = gives_an_earlier_answer(problem, got)
        return messages.OF_AN_EARLIER_CALL if earlier else messages.OTHERWISE_AFTER_ANOTHER_CALL
    return _in_circumstances(key, question, problem, got, describe)


def _in_circumstances(key: AnswerKey, question: Question, problem: Problem, got: Outcome, describe: Describe) -> Text:
    """What is wrong with the answer to one of several calls, and with which one."""
    circumstance = _WHERE.get(question.reason)
    if question.reason in _OF_SEVERAL and problem.path:
        name = str(problem.path[0])
        circumstance = circumstance or _WHERE.get(name) or messages.WITH_SIZES.format(sizes=name)
        mine, right = at(got.value, problem.path[:1]), at(question.right.value, problem.path[:1])
        if isinstance(mine, str) and not isinstance(right, str):
            return messages.RIGHT_BUT_NOT.format(where=circumstance, what=messages.IT_RAISES.format(said=mine[:160]))
        got, question = Outcome(value=mine), replace(question, right=Outcome(value=right))
        problem = problem.inside()
    what = describe(key, replace(question, base=None), problem, got)
    return what if circumstance is None else messages.RIGHT_BUT_NOT.format(where=circumstance, what=what)
