"""Finds the root cause: which known mistake explains what is wrong, or else what was observed.

A submission is named by a mistake when, where that mistake differs from the reference, the submission is wrong in the
same way. The mistake that explains most comes first; what it leaves unexplained is explained by the next, or by a
second one made on top of the first, and finally described.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from grader.authoring import Case, Exercise, Family, Mistake, Text
from grader.calls import Outcome
from grader.describe import describe_problem, family_of_raised, family_of_value
from grader.evidence import ANSWER_FACETS, Facet, Problem, likeness, problems_of
from grader.report import Diagnosis

MOST_OBSERVATIONS = 3
ALIKE = 0.5
"""Share of the wrong entries that a submission has in common with a mistake, for the mistake to explain them."""


class Judged(Protocol):
    """What judging needs of an exercise."""

    id: str
    device: str
    spec: Exercise
    cases: list[Case]

    @property
    def expected(self) -> list[Outcome]:
        """What the reference gives for each case."""
        ...

    @property
    def predictions(self) -> list[tuple[Mistake, list[Outcome]]]:
        """What each variant of each known mistake gives for each case."""
        ...

    def combined(self, first: int, second: int, cases: Sequence[int]) -> dict[int, Outcome]:
        """What two variants, by number, give together in some cases; nothing where they cannot be combined."""
        ...


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


def diagnose(exercise: Judged, outcomes: Sequence[Outcome], problems: Sequence[Problem]) -> list[Diagnosis]:
    """The diagnosis, root cause first; empty when there is no problem."""
    unexplained = {problem.key: problem for problem in problems}
    found: list[Mistake] = []
    first: int | None = None
    for number, explains in _fitting(exercise, outcomes, problems):
        if explains & unexplained.keys():
            first = number if first is None else first
            found.append(exercise.predictions[number][0])
            for key in explains:
                unexplained.pop(key, None)
    if first is not None and unexplained:
        second, explains = _second_mistake(exercise, outcomes, first, set(unexplained))
        if second is not None:
            found.append(second)
            for key in explains:
                unexplained.pop(key, None)
    named = {known.slug: Diagnosis(known.slug, known.family, known.text) for known in reversed(found)}
    return [*reversed(named.values()), *_observations(exercise, outcomes, list(unexplained.values()))]


Key = tuple[int, Facet]


def _fitting(exercise: Judged, outcomes: Sequence[Outcome], problems: Sequence[Problem]) -> list[tuple[int, set[Key]]]:
    """The mistakes that fit, by number, each with the problems that it explains; the one that explains most first."""
    if not problems or all(outcome.ended or _is_missing(outcome) for outcome in outcomes):
        return []
    wrong = {problem.key for problem in problems}
    fitting = []
    for number, (_, predicted) in enumerate(exercise.predictions):
        telling = telling_facets(exercise.cases, predicted, exercise.expected)
        alike = {key: _likeness(exercise, key, outcomes, predicted) for key in telling & wrong}
        agreed = {key for key, share in alike.items() if share >= ALIKE}
        if _fits(telling, agreed, wrong):
            explains = _consequences(agreed, wrong)
            # What follows from a wrong answer counts as much as the answer itself is alike.
            weight = sum(alike.get(key, 1.0) for key in explains)
            fitting.append((number, explains, weight))
    # The sort is stable: of two that explain as much, the one that its author put first.
    fitting.sort(key=lambda candidate: -candidate[2])
    return [(number, explains) for number, explains, _ in fitting]


def _fits(telling: set[Key], agreed: set[Key], wrong: set[Key]) -> bool:
    """Wrong in the same way wherever the mistake shows; or in most places, where a second mistake hides the rest."""
    if not agreed:
        return False
    # An exception says little about its cause: it names a mistake only where that explains every wrong answer.
    if any(facet == "raised" for _, facet in agreed):
        return agreed == telling and _answers(agreed) == _answers(wrong)
    return agreed == telling or (len(agreed) >= 2 and 2 * len(agreed) >= len(telling))


def _second_mistake(
    exercise: Judged, outcomes: Sequence[Outcome], first: int, unexplained: set[Key]
) -> tuple[Mistake | None, set[Key]]:
    """The mistake that, made on top of the first one, gives what the first one alone does not explain."""
    cases = sorted(_answers(unexplained))
    best: tuple[Mistake | None, set[Key]] = (None, set())
    for number, (known, _) in enumerate(exercise.predictions) if cases else ():
        together = exercise.combined(first, number, cases)
        agreed = {
            (i, facet)
            for i, facet in unexplained
            if i in together
            and facet in ANSWER_FACETS
            and likeness(facet, exercise.cases[i], outcomes[i], together[i], exercise.expected[i]) >= ALIKE
        }
        explains = _consequences(agreed, unexplained)
        if len(explains) > len(best[1]):
            best = (known, explains)
    return best


def _likeness(exercise: Judged, key: Key, outcomes: Sequence[Outcome], predicted: Sequence[Outcome]) -> float:
    i, facet = key
    return likeness(facet, exercise.cases[i], outcomes[i], predicted[i], exercise.expected[i])


def _answers(keys: set[Key]) -> set[int]:
    return {i for i, facet in keys if facet in ANSWER_FACETS}


def _consequences(agreed: set[Key], wrong: set[Key]) -> set[Key]:
    """What is explained with a wrong answer: also its gradients, whichever way they are wrong."""
    answers = _answers(agreed)
    return {(i, facet) for i, facet in wrong if (i, facet) in agreed or i in answers}


def _is_missing(outcome: Outcome) -> bool:
    return (
        outcome.raised is not None and outcome.raised.type == "NameError" and "is not defined" in outcome.raised.message
    )


def telling_facets(cases: Sequence[Case], predicted: Sequence[Outcome], expected: Sequence[Outcome]) -> set[Key]:
    """Where a mistake shows. The gradients of wrong answers are left out: they follow from the answers."""
    keys = {problem.key for i, case in enumerate(cases) for problem in problems_of(i, case, predicted[i], expected[i])}
    wrong_answers = {i for i, facet in keys if facet in ANSWER_FACETS}
    return {(i, facet) for i, facet in keys if facet != "gradient" or i not in wrong_answers}


def _observations(exercise: Judged, outcomes: Sequence[Outcome], problems: Sequence[Problem]) -> list[Diagnosis]:
    """What no known mistake explains, one line a family: the earliest wrong answer first, then how it was come by."""
    ordered = sorted(problems, key=lambda p: (p.facet not in ANSWER_FACETS, _rank(p), p.case))
    found: dict[Family, Diagnosis] = {}
    for problem in ordered:
        case, got, right = exercise.cases[problem.case], outcomes[problem.case], exercise.expected[problem.case]
        family = _family(exercise.spec, case, problem, got, right)
        if family not in found:
            text = describe_problem(exercise.spec, case, problem, got, right)
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
