"""Finds the root cause: which known mistake explains what is wrong, or else what was observed.

A submission is named by a mistake when, where that mistake differs from the reference, the submission is wrong in the
same way. The mistake that explains most comes first; what it leaves unexplained is explained by the next, or by a
second one made on top of the first, and finally described.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from grader.authoring import Case, Exercise, Family, Mistake, Text
from grader.report.model import Diagnosis
from grader.verdict.describe import describe_problem, family_of_raised, family_of_value, is_unwritten
from grader.verdict.evidence import ANSWER_FACETS, Facet, Problem, likeness, problems_of
from grader.wire.calls import Outcome

MOST_OBSERVATIONS = 3
MOST_PROBES = 3
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
    def predictions(self) -> list[tuple[Mistake, Sequence[Outcome]]]:
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
    """The diagnosis, root cause first; empty when there is no problem.

    Wrong answers come before wrong conduct, and of either what is known before what is only observed; but a mistake
    that explains a few late cases comes after what was observed in the early ones.
    """
    unexplained = {problem.key: problem for problem in _causes(problems)}
    wrong = _answers(set(unexplained))
    causes: list[Mistake] = []
    details: list[Mistake] = []
    conduct: list[Mistake] = []
    first: int | None = None
    for number, explains in _fitting(exercise, outcomes, set(unexplained)):
        if not explains & unexplained.keys():
            continue
        known, answers = exercise.predictions[number][0], _answers(explains)
        if not answers:
            conduct.append(known)
        elif min(answers) == min(wrong) or 2 * len(answers) >= len(wrong):
            first = number if first is None else first
            causes.append(known)
        else:
            details.append(known)
        for key in explains:
            unexplained.pop(key, None)
    if first is not None and unexplained:
        second, explains = _second_mistake(exercise, outcomes, first, set(unexplained))
        if second is not None:
            causes.append(second)
            for key in explains:
                unexplained.pop(key, None)
    observed = _observations(exercise, outcomes, list(unexplained.values()))
    lines = [
        *_named(causes),
        *(line for line, is_answer in observed if is_answer),
        *_named(details),
        *_named(conduct),
        *(line for line, is_answer in observed if not is_answer),
    ]
    return list(dict.fromkeys(lines))


def _named(mistakes: Sequence[Mistake]) -> list[Diagnosis]:
    return [Diagnosis(known.slug, known.family, known.text) for known in mistakes]


def _causes(problems: Sequence[Problem]) -> list[Problem]:
    """The problems without those that only follow: a wrong answer has wrong gradients."""
    wrong_answers = {problem.case for problem in problems if problem.facet in ANSWER_FACETS}
    return [problem for problem in problems if problem.facet != "gradient" or problem.case not in wrong_answers]


Key = tuple[int, Facet]


def _fitting(exercise: Judged, outcomes: Sequence[Outcome], wrong: set[Key]) -> list[tuple[int, set[Key]]]:
    """The mistakes that fit, by number, each with the problems that it explains; the one that explains most first."""
    # Predictions are made when first needed: not for a submission in which there is nothing to explain.
    if not wrong or all(outcome.ended or _says_nothing(outcome) for outcome in outcomes):
        return []
    fitting = []
    probes = _probes(wrong)
    for number, (_, predicted) in enumerate(exercise.predictions):
        if not any(_likeness(exercise, key, outcomes, predicted) >= ALIKE for key in probes):
            continue
        telling = telling_facets(exercise.cases, predicted, exercise.expected)
        alike = {key: _likeness(exercise, key, outcomes, predicted) for key in telling & wrong}
        agreed = {key for key, share in alike.items() if share >= ALIKE}
        if _fits(telling, agreed, wrong):
            fitting.append((number, agreed, sum(alike[key] for key in agreed), agreed == telling))
    # The sort is stable: of two that explain as much, the one that its author put first.
    fitting.sort(key=lambda candidate: (-candidate[2], not candidate[3]))
    return [(number, explains) for number, explains, _, _ in fitting]


def _probes(wrong: set[Key]) -> list[Key]:
    """A few of the problems, by which most mistakes can be ruled out without looking at the rest.

    The earliest wrong answers, and of wrong conduct one of each kind.
    """
    ordered = sorted(wrong)
    answers = [key for key in ordered if key[1] in ANSWER_FACETS][:MOST_PROBES]
    conduct = {facet: (i, facet) for i, facet in reversed(ordered) if facet not in ANSWER_FACETS}
    return [*answers, *conduct.values()]


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
    most = 0.0
    for number, (known, _) in enumerate(exercise.predictions) if cases else ():
        together = exercise.combined(first, number, cases)
        alike = {
            (i, facet): likeness(facet, exercise.cases[i], outcomes[i], together[i], exercise.expected[i])
            for i, facet in unexplained
            # An exception says too little of its cause to name a second one by it.
            if i in together and facet in ANSWER_FACETS and outcomes[i].raised is None
        }
        agreed = {key for key, share in alike.items() if share >= ALIKE}
        weight = sum(alike[key] for key in agreed)
        if weight > most:
            best, most = (known, agreed), weight
    return best


def _likeness(exercise: Judged, key: Key, outcomes: Sequence[Outcome], predicted: Sequence[Outcome]) -> float:
    i, facet = key
    return likeness(facet, exercise.cases[i], outcomes[i], predicted[i], exercise.expected[i])


def _answers(keys: set[Key]) -> set[int]:
    return {i for i, facet in keys if facet in ANSWER_FACETS}


def _says_nothing(outcome: Outcome) -> bool:
    """True for a stub, and where a name is missing, the target's or another: neither points to a mistake."""
    raised = outcome.raised
    if raised is None:
        return False
    return is_unwritten(raised) or raised.is_missing_target or raised.type == "NameError"


def telling_facets(
    cases: Sequence[Case],
    predicted: Sequence[Outcome],
    expected: Sequence[Outcome],
    only: Sequence[int] | None = None,
) -> set[Key]:
    """Where a mistake shows, in all cases or ``only`` some, without what follows from a wrong answer."""
    chosen = range(len(cases)) if only is None else only
    found = [problem for i in chosen for problem in problems_of(i, cases[i], predicted[i], expected[i])]
    return {problem.key for problem in _causes(found)}


def _observations(
    exercise: Judged, outcomes: Sequence[Outcome], problems: Sequence[Problem]
) -> list[tuple[Diagnosis, bool]]:
    """What no known mistake explains, one line per family: the earliest wrong answer first, then wrong conduct.

    With each line, whether it is about an answer.
    """
    ordered = sorted(problems, key=lambda p: (p.facet not in ANSWER_FACETS, _rank(p), p.case))
    found: dict[Family, tuple[Diagnosis, bool]] = {}
    for problem in ordered:
        case, got, right = exercise.cases[problem.case], outcomes[problem.case], exercise.expected[problem.case]
        family = _family(exercise.spec, case, problem, got, right)
        if family not in found:
            text = _in_case(describe_problem(exercise.spec, case, problem, got, right), case, problem)
            found[family] = Diagnosis("unknown", family, text), problem.facet in ANSWER_FACETS
    return list(found.values())[:MOST_OBSERVATIONS]


def _rank(problem: Problem) -> int:
    """Broken rules before what only follows from breaking them; everything else in the order of the cases."""
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
