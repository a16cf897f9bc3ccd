"""Turns the problems of a submission into scored checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from grader.authoring.cases import Family
from grader.course.key import AnswerKey, Question
from grader.report.model import Check
from grader.text import Text
from grader.verdict import messages
from grader.verdict.describe import describe_problem
from grader.verdict.evidence import ANSWER_FACETS, Facet, Problem, wrongly_answered
from grader.wire.calls import Outcome

ELSEWHERE: tuple[Family, ...] = ("state", "dtype")
"""Families whose own checks count what the grader asks by itself; all else that it asks is one check more."""
_NO_FORM: tuple[Facet, ...] = ("ended", "raised", "structure", "shape")


class _Row(NamedTuple):
    """A check before it is scored; ``wrong`` is None where it passes."""

    name: Text
    family: Family
    wrong: Text | None
    hidden: bool
    weight: float = 1.0
    essential: bool = False
    error: tuple[object, ...] | None = None
    """What was raised, and where: it is told once, whatever the sizes in it are."""


def score_checks(
    key: AnswerKey, outcomes: Sequence[Outcome], problems: Sequence[Problem], breaches: Sequence[Text]
) -> list[Check]:
    """Every check of an exercise, each worth its share of the points; but where an essential one fails, half at most.

    Essential is what an author says is, and that an answer is written by hand where it has to be.

    A question is a check of its own: its answer has to be right. Shapes, dtypes, gradients, state, rules and resources
    are one check each, over all questions that look at them. Without an answer there is nothing to see in how it was
    made: these checks, and questions with a fault, pass only if some plain call gave an answer of the right form.
    What needs the rest passes only where everything else is answered rightly.
    """
    questions = key.questions
    plain = _plain(questions)
    derived = [problem for problem in problems if questions[problem.case].base is not None]
    problems = [problem for problem in problems if questions[problem.case].base is None]
    formed = set(plain) - {problem.case for problem in problems if problem.facet in _NO_FORM}

    def message_of(problem: Problem) -> Text:
        return describe_problem(key, questions[problem.case], problem, outcomes[problem.case])

    def over_all(facets: Iterable[Facet], looked_at: Callable[[Question], object] = lambda _: True) -> Text | None:
        wanted = tuple(facets)
        found = next((problem for problem in problems if problem.facet in wanted), None)
        if found is not None:
            return message_of(found)
        looking = {i for i in plain if looked_at(questions[i])} or set(plain)
        return None if looking & formed or not plain else messages.NOTHING_TO_SEE

    def of_case(index: int) -> Text | None:
        found = next((p for p in problems if p.case == index and p.facet in ANSWER_FACETS), None)
        if found is not None:
            return message_of(found)
        question = questions[index]
        if question.needs_the_rest and wrongly_answered(problems, questions):
            return messages.NEEDS_THE_REST
        alike = {i for i in plain if questions[i].call.target == question.call.target}
        needs_no_call = not question.fault or question.call.own_parameters
        return None if needs_no_call or not alike or alike & formed else messages.NOTHING_TO_SEE

    def of_derived(family: Family) -> Text | None:
        found = next((problem for problem in derived if questions[problem.case].family == family), None)
        return None if found is None else message_of(found)

    def interface() -> Text | None:
        for target in key.targets:
            mine = {i for i in plain if questions[i].call.target == target}
            lost = [problem for problem in problems if problem.case in mine and problem.facet in ("ended", "raised")]
            if mine and len(lost) == len(mine):
                return message_of(lost[0])
        broken = next((problem for problem in problems if problem.facet == "structure"), None)
        return None if broken is None else message_of(broken)

    rows = [
        _Row(messages.CALLED_AS_SPECIFIED, "interface", interface(), False),
        _Row(messages.SHAPES, "shape", over_all(["shape"]), False),
        _Row(messages.DTYPE_AND_DEVICE, "dtype", over_all(["dtype"]) or of_derived("dtype"), False),
    ]
    rows += [
        _Row(
            asked.title, asked.family, of_case(i), not asked.public, asked.weight, _decides(asked), _error(outcomes[i])
        )
        for i, asked in enumerate(questions)
        if asked.base is None
    ]
    if any(question.call.gradients for question in questions):
        wrong = over_all(["gradient"], lambda asked: asked.call.gradients)
        rows.append(_Row(messages.GRADIENTS, "gradient", wrong, True))
    others = [problem for problem in derived if questions[problem.case].family not in ELSEWHERE]
    bases = {asked.base for asked in questions if asked.base is not None and asked.family not in ELSEWHERE}
    if bases:
        unanswered = bases & {problem.case for problem in problems if problem.facet in ANSWER_FACETS}
        wrong = messages.ASKED_WHEN_RIGHT.format(name=questions[min(unanswered)].title) if unanswered else over_all([])
        if others:
            wrong = message_of(others[0])
        rows.append(_Row(messages.OTHERWISE, questions[others[0].case].family if others else "shape", wrong, True))
    alone = over_all(["changed", "again"]) or of_derived("state")
    rows.append(_Row(messages.LEFT_ALONE, "state", alone, True))
    measured = [question for question in questions if question.max_elements is not None]
    if measured:
        wrong = over_all(["largest"], lambda asked: asked.max_elements)
        essential = any(question.essential for question in measured)
        rows.append(_Row(messages.INTERMEDIATES, "resources", wrong, True, essential=essential))
    if key.forbidden or key.forbidden_imports:
        wrong = breaches[0] if breaches else over_all(["forbidden"])
        rows.append(_Row(messages.BY_HAND, "rules", wrong, False, essential=wrong is not messages.NOTHING_TO_SEE))
    return _scored(rows, key.points)


def _decides(question: Question) -> bool:
    """Whether its own check is essential; where a size is looked at, the check of sizes is."""
    return question.essential and question.max_elements is None


def _error(got: Outcome) -> tuple[object, ...] | None:
    raised = got.raised
    return None if raised is None else (raised.type, raised.line, re.sub(r"\d+", "#", raised.message))


def _scored(rows: Sequence[_Row], points: float) -> list[Check]:
    """Each check with its points. Where an essential one fails, those that pass share half of all points at most."""
    share = points / sum(row.weight for row in rows)
    earned = share * sum(row.weight for row in rows if row.wrong is None)
    failed = any(row.essential and row.wrong is not None for row in rows)
    of_share = min(1.0, points / 2 / earned) if failed and earned else 1.0
    checks, told = list[Check](), dict[object, Text]()
    for row in rows:
        most = share * row.weight
        wrong = row.wrong
        if wrong is not None:
            first = told.setdefault(wrong, told.setdefault(row.error or wrong, row.name))
            wrong = wrong if first == row.name else messages.AS_ABOVE.format(name=first)
        if wrong is not None and row.essential and of_share < 1:
            wrong = messages.TWO_SENTENCES.format(first=wrong, second=messages.HALF_AT_MOST)
        scored = 0.0 if wrong else most * of_share
        checks.append(Check(row.name, row.family, wrong is None, scored, most, row.hidden, wrong or messages.GOOD))
    return checks


def _plain(questions: Sequence[Question]) -> list[int]:
    """Those that call the learner's code directly and compare its answer; if there are none, those with a probe."""
    compared = [i for i, question in enumerate(questions) if question.is_plain]
    return [i for i in compared if questions[i].is_direct] or compared
