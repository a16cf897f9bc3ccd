"""Turns the problems of a submission into scored checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from grader.authoring import Case, Exercise, Family, Text
from grader.calls import Outcome
from grader.describe import describe_problem, describe_raised
from grader.evidence import ANSWER_FACETS, Facet, Problem
from grader.report import Check

GOOD = Text("as it should be", "正确")


def score_checks(
    spec: Exercise,
    cases: Sequence[Case],
    outcomes: Sequence[Outcome],
    expected: Sequence[Outcome],
    problems: Sequence[Problem],
    rule_breaches: Sequence[Text],
    points: float,
) -> list[Check]:
    """Every check of an exercise, each worth the same share of its points.

    A case is a check of its own: its answer has to be right. Shapes, dtypes, gradients, state, rules and resources
    are one check each, over all cases that look at them.
    """

    def over_all(name: str, family: Family, facets: Iterable[Facet]) -> tuple[str, Family, bool, Text]:
        wanted = tuple(facets)
        found = next((problem for problem in problems if problem.facet in wanted), None)
        message = GOOD if found is None else _message(found)
        return name, family, found is None, message

    def _message(problem: Problem) -> Text:
        case = cases[problem.case]
        return describe_problem(spec, case, problem, outcomes[problem.case], expected[problem.case])

    rows: list[tuple[str, Family, bool, Text, bool]] = []
    interface = _interface(spec, cases, outcomes, problems, _message)
    rows.append(("called and answers as specified", "interface", interface is None, interface or GOOD, False))
    rows.append((*over_all("shapes", "shape", ["shape"]), False))
    rows.append((*over_all("dtype and device", "dtype", ["dtype"]), False))
    for index, case in enumerate(cases):
        found = next((p for p in problems if p.case == index and p.facet in ANSWER_FACETS), None)
        message = GOOD if found is None else _message(found)
        rows.append((case.reason, case.family, found is None, message, not case.public))
    if any(case.gradients for case in cases):
        rows.append((*over_all("gradients, by value", "gradient", ["gradient"]), True))
    rows.append((*over_all("inputs left alone, same input same output", "state", ["changed", "again"]), True))
    if any(case.max_elements is not None for case in cases):
        rows.append((*over_all("size of intermediates", "resources", ["largest"]), True))
    if spec.forbidden or spec.forbidden_imports:
        name, family, passed, message = over_all("written by hand", "rules", ["forbidden"])
        if rule_breaches:
            passed, message = False, rule_breaches[0]
        rows.append((name, family, passed, message, False))

    # A check about how the answer was come by says nothing where there was no answer at all.
    nothing_ran = all(outcome.ended or outcome.raised for outcome in outcomes)
    each = points / len(rows)
    return [
        Check(
            name, family, passed and not nothing_ran, each if passed and not nothing_ran else 0.0, each, hidden, message
        )
        for name, family, passed, message, hidden in rows
    ]


def _interface(
    spec: Exercise,
    cases: Sequence[Case],
    outcomes: Sequence[Outcome],
    problems: Sequence[Problem],
    message: Callable[[Problem], Text],
) -> Text | None:
    """Fails where a target cannot be called at all, or where what it returns is not of the kind asked for."""
    for target in spec.targets:
        mine = [i for i, case in enumerate(cases) if (case.target or spec.targets[0]) == target and not case.raises]
        if mine and all(outcomes[i].raised for i in mine):
            return describe_raised(target, outcomes[mine[0]].raised)
    broken = next((problem for problem in problems if problem.facet == "structure"), None)
    return None if broken is None else message(broken)
