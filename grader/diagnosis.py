"""Finds the root cause: which known mistake explains what is wrong, or else what was observed.

A submission is named by a mistake when, on every facet of every call where that mistake differs from the reference,
the submission is wrong in the same way. The mistake that explains most comes first; what it leaves unexplained is
explained by the next, and finally described.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from grader.authoring import Case, Exercise, Family, Mistake, Text
from grader.calls import Outcome
from grader.describe import describe_problem, describe_raised, family_of_raised, family_of_value
from grader.evidence import ANSWER_FACETS, Facet, Problem, agree, problems_of
from grader.report import Diagnosis

Predictions = Sequence[tuple[Mistake, Sequence[Outcome]]]
MOST_OBSERVATIONS = 3

_FACET_FAMILY: dict[Facet, Family] = {
    "dtype": "dtype",
    "gradient": "gradient",
    "changed": "state",
    "again": "state",
    "forbidden": "rules",
    "largest": "resources",
    "structure": "interface",
    "shape": "shape",
    "ended": "resources",
}


def diagnose(
    spec: Exercise,
    cases: Sequence[Case],
    outcomes: Sequence[Outcome],
    expected: Sequence[Outcome],
    problems: Sequence[Problem],
    predictions: Callable[[], Predictions],
) -> list[Diagnosis]:
    """The diagnosis, root cause first; empty when there is no problem."""
    if not problems:
        return []
    unexplained = {problem.key: problem for problem in problems}
    found: list[Diagnosis] = []
    candidates = [] if _nothing_ran(outcomes) else _candidates(cases, outcomes, expected, problems, predictions())
    while unexplained and candidates:
        known, explains = max(candidates, key=lambda candidate: len(candidate[1] & unexplained.keys()))
        if not explains & unexplained.keys():
            break
        if known.slug not in [diagnosis.mistake for diagnosis in found]:
            found.append(Diagnosis(known.slug, known.family, known.text))
        for key in explains:
            unexplained.pop(key, None)
    return found + _observations(spec, cases, outcomes, expected, list(unexplained.values()))


def _nothing_ran(outcomes: Sequence[Outcome]) -> bool:
    return all(outcome.ended or (outcome.raised and outcome.raised.type == "NameError") for outcome in outcomes)


Key = tuple[int, Facet]


def _candidates(
    cases: Sequence[Case],
    outcomes: Sequence[Outcome],
    expected: Sequence[Outcome],
    problems: Sequence[Problem],
    predictions: Predictions,
) -> list[tuple[Mistake, set[Key]]]:
    """The mistakes that fit, each with the problems that it explains."""
    wrong = {problem.key for problem in problems}
    wrong_answers = {case for case, facet in wrong if facet in ANSWER_FACETS}
    fitting = []
    for known, predicted in predictions:
        telling = telling_facets(cases, predicted, expected)
        if not telling or not telling <= wrong:
            continue
        if not all(agree(facet, cases[i], outcomes[i], predicted[i], expected[i]) for i, facet in telling):
            continue
        answers = {i for i, facet in telling if facet in ANSWER_FACETS}
        # An exception says little about its cause: it names a mistake only where that explains every wrong answer.
        raises = any(facet == "raised" for _, facet in telling)
        if raises and answers != wrong_answers:
            continue
        # A wrong answer has wrong gradients, whichever way they are wrong.
        explains = {(i, facet) for i, facet in wrong if (i, facet) in telling or i in answers}
        fitting.append((known, explains))
    return fitting


def telling_facets(cases: Sequence[Case], predicted: Sequence[Outcome], expected: Sequence[Outcome]) -> set[Key]:
    """Where a mistake shows. The gradients of wrong answers are left out: they follow from the answers."""
    keys = {
        problem.key
        for i, case in enumerate(cases)
        for problem in problems_of(i, case, predicted[i], expected[i])
    }
    wrong_answers = {i for i, facet in keys if facet in ANSWER_FACETS}
    return {(i, facet) for i, facet in keys if facet != "gradient" or i not in wrong_answers}


def _observations(
    spec: Exercise,
    cases: Sequence[Case],
    outcomes: Sequence[Outcome],
    expected: Sequence[Outcome],
    problems: Sequence[Problem],
) -> list[Diagnosis]:
    """What no known mistake explains, one line a family: the earliest wrong answer first, then how it was come by."""
    ordered = sorted(problems, key=lambda p: (p.facet not in ANSWER_FACETS, _rank(p), p.case))
    found: dict[Family, Diagnosis] = {}
    for problem in ordered:
        case, got, right = cases[problem.case], outcomes[problem.case], expected[problem.case]
        family = _family(spec, case, problem, got, right)
        if family not in found:
            text = describe_problem(spec, case, problem, got, right)
            found[family] = Diagnosis("unknown", family, _in_case(text, case, problem))
    return list(found.values())[:MOST_OBSERVATIONS]


def _rank(problem: Problem) -> int:
    """Rules before what is only a consequence of having broken them; everything else in order of the cases."""
    order: tuple[Facet, ...] = ("forbidden", "dtype", "changed", "again", "gradient", "largest")
    return order.index(problem.facet) if problem.facet in order else -1


def _family(spec: Exercise, case: Case, problem: Problem, got: Outcome, expected: Outcome) -> Family:
    if problem.facet == "raised":
        return "interface" if got.raised is None else family_of_raised(got.raised, case)
    if problem.facet == "value":
        return family_of_value(case, spec, problem, got, expected)
    if problem.facet == "judged":
        return case.family
    if problem.facet == "shape" and case.family in ("masking",):
        return case.family
    return _FACET_FAMILY[problem.facet]


def _in_case(text: Text, case: Case, problem: Problem) -> Text:
    if problem.facet in ("ended", "forbidden"):
        return text
    return Text(f"{text.en} (Case: {case.reason}.)", f"{text.zh}（用例：{case.reason}。）")


def diagnose_failure(target: str, outcome: Outcome) -> Diagnosis:
    """For a submission of which no call could be made."""
    assert outcome.raised is not None
    return Diagnosis("unknown", "interface", describe_raised(target, outcome.raised))
