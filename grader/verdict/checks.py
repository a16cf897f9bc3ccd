"""Turns the problems of a submission into scored checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from grader.authoring.cases import Family
from grader.course.key import AnswerKey, Question
from grader.report.model import Check
from grader.text import Text
from grader.verdict import messages
from grader.verdict.describe import describe_problem
from grader.verdict.evidence import ANSWER_FACETS, Facet, Problem
from grader.wire.calls import Outcome

OTHERWISE = "in other sizes and orders"
"""The check of what the grader asks of every exercise."""
ELSEWHERE: tuple[Family, ...] = ("state", "dtype")
"""What it asks that counts in the checks of these families."""
_NO_FORM: tuple[Facet, ...] = ("ended", "raised", "structure", "shape")


def score_checks(
    key: AnswerKey, outcomes: Sequence[Outcome], problems: Sequence[Problem], rule_breaches: Sequence[Text]
) -> list[Check]:
    """Every check of an exercise, each worth the same share of its points.

    A question is a check of its own: its answer has to be right. Shapes, dtypes, gradients, state, rules and resources
    are one check each, over all questions that look at them. Without an answer there is nothing to see in how it was
    made: these checks, and questions with a fault, pass only if some plain call gave an answer of the right form.
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

    rows: list[tuple[str, Family, Text | None, bool]] = [
        ("called and answers as specified", "interface", interface(), False),
        ("shapes", "shape", over_all(["shape"]), False),
        ("dtype and device", "dtype", over_all(["dtype"]) or of_derived("dtype"), False),
    ]
    rows += [
        (asked.reason, asked.family, of_case(i), not asked.public)
        for i, asked in enumerate(questions)
        if asked.base is None
    ]
    if any(question.call.gradients for question in questions):
        rows.append(
            ("gradients, by value", "gradient", over_all(["gradient"], lambda asked: asked.call.gradients), True)
        )
    others = [problem for problem in derived if questions[problem.case].family not in ELSEWHERE]
    bases = {asked.base for asked in questions if asked.base is not None and asked.family not in ELSEWHERE}
    if bases:
        unanswered = bases & {problem.case for problem in problems if problem.facet in ANSWER_FACETS}
        first = questions[min(unanswered)].reason if unanswered else ""
        wrong = messages.ASKED_WHEN_RIGHT.format(reason=first) if unanswered else over_all([])
        if others:
            wrong = message_of(others[0])
        rows.append((OTHERWISE, questions[others[0].case].family if others else "shape", wrong, True))
    alone = over_all(["changed", "again"]) or of_derived("state")
    rows.append(("inputs left alone, same input same output", "state", alone, True))
    if any(question.max_elements is not None for question in questions):
        rows.append(
            ("size of intermediates", "resources", over_all(["largest"], lambda asked: asked.max_elements), True)
        )
    if key.forbidden or key.forbidden_imports:
        wrong = rule_breaches[0] if rule_breaches else over_all(["forbidden"])
        rows.append(("written by hand", "rules", wrong, False))
    each = key.points / len(rows)
    return [
        Check(name, family, wrong is None, each if wrong is None else 0.0, each, hidden, wrong or messages.GOOD)
        for name, family, wrong, hidden in rows
    ]


def _plain(questions: Sequence[Question]) -> list[int]:
    """Those that call the learner's code directly and compare its answer; if there are none, those with a probe."""
    compared = [i for i, question in enumerate(questions) if question.is_plain]
    return [i for i in compared if questions[i].is_direct] or compared
