"""Turns the problems of a submission into scored checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from grader.authoring import Case, Exercise, Family, Text
from grader.report.model import Check
from grader.verdict.describe import describe_problem
from grader.verdict.evidence import ANSWER_FACETS, Facet, Problem
from grader.wire.calls import Outcome

GOOD = Text("as it should be", "正确")
NOTHING_TO_SEE = Text(
    "This cannot be seen yet: no call gave an answer of the right form.", "还看不出来：没有一次调用给出形式正确的答案。"
)
_NO_FORM: tuple[Facet, ...] = ("ended", "raised", "structure", "shape")


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
    are one check each, over all cases that look at them. Without an answer there is nothing to see in how it was made:
    these checks, and cases with a judge, pass only if some plain call gave an answer of the right form.
    """
    targets = [case.target or spec.targets[0] for case in cases]
    plain = _plain_cases(cases)
    formed = set(plain) - {problem.case for problem in problems if problem.facet in _NO_FORM}

    def message_of(problem: Problem) -> Text:
        i = problem.case
        return describe_problem(spec, cases[i], problem, outcomes[i], expected[i])

    def over_all(facets: Iterable[Facet], looked_at: Callable[[Case], object] = lambda _: True) -> Text | None:
        wanted = tuple(facets)
        found = next((problem for problem in problems if problem.facet in wanted), None)
        if found is not None:
            return message_of(found)
        looking = {i for i in plain if looked_at(cases[i])} or set(plain)
        return None if looking & formed or not plain else NOTHING_TO_SEE

    def of_case(index: int) -> Text | None:
        found = next((p for p in problems if p.case == index and p.facet in ANSWER_FACETS), None)
        if found is not None:
            return message_of(found)
        alike = {i for i in plain if targets[i] == targets[index]}
        needs_no_call = cases[index].judge is None or not cases[index].load_state
        return None if needs_no_call or not alike or alike & formed else NOTHING_TO_SEE

    def interface() -> Text | None:
        for target in spec.targets:
            mine = {i for i in plain if targets[i] == target}
            lost = [problem for problem in problems if problem.case in mine and problem.facet in ("ended", "raised")]
            if mine and len(lost) == len(mine):
                return message_of(lost[0])
        broken = next((problem for problem in problems if problem.facet == "structure"), None)
        return None if broken is None else message_of(broken)

    rows: list[tuple[str, Family, Text | None, bool]] = [
        ("called and answers as specified", "interface", interface(), False),
        ("shapes", "shape", over_all(["shape"]), False),
        ("dtype and device", "dtype", over_all(["dtype"]), False),
    ]
    rows += [(case.reason, case.family, of_case(i), not case.public) for i, case in enumerate(cases)]
    if any(case.gradients for case in cases):
        rows.append(("gradients, by value", "gradient", over_all(["gradient"], lambda case: case.gradients), True))
    rows.append(("inputs left alone, same input same output", "state", over_all(["changed", "again"]), True))
    if any(case.max_elements is not None for case in cases):
        rows.append(("size of intermediates", "resources", over_all(["largest"], lambda case: case.max_elements), True))
    if spec.forbidden or spec.forbidden_imports:
        wrong = rule_breaches[0] if rule_breaches else over_all(["forbidden"])
        rows.append(("written by hand", "rules", wrong, False))
    each = points / len(rows)
    return [
        Check(name, family, wrong is None, each if wrong is None else 0.0, each, hidden, wrong or GOOD)
        for name, family, wrong, hidden in rows
    ]


def _plain_cases(cases: Sequence[Case]) -> list[int]:
    """Cases that call the learner's code directly and compare its answer; if there are none, those with a driver."""
    compared = [i for i, case in enumerate(cases) if case.judge is None and case.raises is None]
    return [i for i in compared if cases[i].drive is None] or compared
