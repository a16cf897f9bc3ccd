"""Finds the root cause: which known mistake explains what is wrong, or else what was observed.

A submission is named by a mistake when, where that mistake differs from the reference, the submission is wrong in the
same way. The mistake that explains most comes first; what it leaves unexplained is explained by the next, or by a
second one made on top of the first, and finally described.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

from grader.authoring.cases import Family
from grader.course.key import AnswerKey, KnownMistake, Question
from grader.report.model import Diagnosis
from grader.text import Text
from grader.values.tree import tensors
from grader.verdict import messages
from grader.verdict.conduct import shown_by_a_sign
from grader.verdict.describe import describe_problem, is_unwritten
from grader.verdict.effects import Place, causes, effects_of
from grader.verdict.evidence import ANSWER_FACETS, Facet, Problem, problems_of
from grader.verdict.families import family_of
from grader.verdict.likeness import likeness
from grader.wire.calls import Outcome

MOST_OBSERVATIONS = 3
MOST_PROBES = 3
ALIKE = 0.5
"""Share of the wrong entries that a submission has in common with a mistake, for the mistake to explain them."""


@dataclass
class Explanation:
    """What explains the problems of a submission: mistakes with what each explains, and the problems left over."""

    wrong: dict[Place, Problem]
    mistakes: list[tuple[KnownMistake, set[Place]]] = field(default_factory=list)
    second: KnownMistake | None = None
    """A mistake that was made on top of the first."""
    left: dict[Place, Problem] = field(default_factory=dict)

    @property
    def root(self) -> set[Place]:
        """The problems that the root cause explains; empty where that is no known mistake."""
        causes = (explains for _, explains in self.mistakes if _is_cause(explains, self.wrong))
        return next(causes, self.mistakes[0][1] if self.mistakes else set())


def diagnose(key: AnswerKey, outcomes: Sequence[Outcome], explanation: Explanation) -> list[Diagnosis]:
    """The diagnosis, root cause first; empty when there is no problem."""
    known = group(explanation)
    return order(known, observe(key, outcomes, list(explanation.left.values())))


def explain(key: AnswerKey, outcomes: Sequence[Outcome], problems: Sequence[Problem]) -> Explanation:
    """Take away, mistake by mistake, what each explains; then what a second one made on top of the first explains."""
    wrong = {problem.key: problem for problem in causes(problems)}
    found = Explanation(wrong, left=dict(wrong))
    first: int | None = None
    for number, explains in _fitting(key, outcomes, wrong):
        if not explains & found.left.keys():
            continue
        if first is None and _is_cause(explains, wrong):
            first = number
        found.mistakes.append((key.mistakes[number], explains))
        for place in explains:
            found.left.pop(place, None)
    if first is not None and found.left:
        found.second, explains = _second_mistake(key, outcomes, first, found.left)
        for place in explains:
            found.left.pop(place, None)
    for known, explains in shown_by_a_sign(key, outcomes, found.left):
        found.mistakes.append((known, explains))
        for place in explains:
            found.left.pop(place, None)
    return found


@dataclass(frozen=True)
class Named:
    """Known mistakes by the part that they play."""

    causes: list[KnownMistake]
    details: list[KnownMistake]
    """Those that explain a few late questions only."""
    conduct: list[KnownMistake]
    """Those in how the answer was made."""


def group(explanation: Explanation) -> Named:
    """Tell root causes from details, and wrong answers from wrong conduct."""
    named = Named([], [], [])
    for known, explains in explanation.mistakes:
        if not _answers(explains):
            named.conduct.append(known)
        elif _is_cause(explains, explanation.wrong):
            named.causes.append(known)
        else:
            named.details.append(known)
    if explanation.second is not None:
        named.causes.append(explanation.second)
    return named


def order(named: Named, observed: Sequence[tuple[Diagnosis, bool]]) -> list[Diagnosis]:
    """Wrong answers before wrong conduct, and of either what is known before what is only observed.

    But a mistake that explains a few late questions comes after what was observed in the early ones.

    Args:
        named: the known mistakes.
        observed: what else was seen, each with whether it is about an answer.
    """
    lines = [
        *map(_line, named.causes),
        *(line for line, is_answer in observed if is_answer),
        *map(_line, named.details),
        *map(_line, named.conduct),
        *(line for line, is_answer in observed if not is_answer),
    ]
    return list(dict.fromkeys(lines))


def _line(known: KnownMistake) -> Diagnosis:
    return Diagnosis(known.slug, known.family, known.text)


def _is_cause(explains: set[Place], wrong: dict[Place, Problem]) -> bool:
    """True for what explains the earliest wrong answer, or at least half of them."""
    answers, all_answers = _answers(explains), _answers(set(wrong))
    return bool(answers) and (min(answers) == min(all_answers) or 2 * len(answers) >= len(all_answers))


def _fitting(key: AnswerKey, outcomes: Sequence[Outcome], wrong: dict[Place, Problem]) -> list[tuple[int, set[Place]]]:
    """The mistakes that fit, by number, each with the problems that it explains; the one that explains most first."""
    # Predictions are made when first needed: not for a submission in which there is nothing to explain.
    if not wrong or all(outcome.ended or _says_nothing(outcome) for outcome in outcomes):
        return []
    fitting = []
    probes, effects = _probes(set(wrong)), effects_of(key)
    for number, known in enumerate(key.mistakes):

        def alike_at(place: Place, number: int = number, known: KnownMistake = known) -> float:
            i, _ = place
            its_problems = effects.in_answer(number, i)
            return likeness(key.questions[i], outcomes[i], wrong[place], known.predicted[i], its_problems)

        if not any(alike_at(place) >= ALIKE for place in probes):
            continue
        shows = effects.of(number)
        alike = {place: alike_at(place) for place in shows & wrong.keys()}
        agreed = {place for place, share in alike.items() if share >= ALIKE}
        tells = {place for place in shows if _tells(place, known.predicted[place[0]])}
        numbers = {place for place in shows if _numbers(known.predicted[place[0]])}
        if _fits(shows, agreed, set(wrong), tells, numbers):
            fitting.append((number, agreed, sum(alike[place] for place in agreed), agreed == shows))
    # The sort is stable: of two that explain as much, the one that its author put first.
    fitting.sort(key=lambda candidate: (-candidate[2], not candidate[3]))
    return [(number, explains) for number, explains, _, _ in fitting]


def _probes(wrong: set[Place]) -> list[Place]:
    """A few of the problems, by which most mistakes can be ruled out without looking at the rest.

    The earliest wrong answers, and of wrong conduct one of each kind.
    """
    ordered = sorted(wrong)
    answers = [place for place in ordered if place[1] in ANSWER_FACETS][:MOST_PROBES]
    conduct = {facet: (i, facet) for i, facet in reversed(ordered) if facet not in ANSWER_FACETS}
    return [*answers, *conduct.values()]


def _tells(place: Place, predicted: Outcome) -> bool:
    """Whether a mistake shows at a place by more than what has many causes.

    That is an exception, an answer of another form, NaN throughout, and a fault: its sentence stands for many answers.
    """
    if place[1] not in ANSWER_FACETS:
        return True
    if place[1] in ("fault", "structure") or predicted.raised is not None:
        return False
    return not _numbers(predicted) or any(bool(leaf.isfinite().any()) for leaf in _numbers(predicted))


def _numbers(predicted: Outcome) -> list[Tensor]:
    return [leaf for _, leaf in tensors(predicted.value) if leaf.is_floating_point()]


def _fits(shows: set[Place], agreed: set[Place], wrong: set[Place], tells: set[Place], numbers: set[Place]) -> bool:
    """Wrong in the same way wherever the mistake shows; or in most places, where a second mistake hides the rest.

    Args:
        shows: where the mistake shows.
        agreed: where the submission is wrong like it.
        wrong: where the submission is wrong.
        tells: where the mistake shows by something that hardly anything else gives.
        numbers: where by numbers; of what is true or false, much is alike by chance.
    """
    if not agreed or (tells and not agreed & tells):
        return False
    if not tells or any(facet == "raised" for _, facet in agreed):
        return agreed == shows and _answers(agreed) == _answers(wrong)
    if agreed == shows:
        return True
    most = len(agreed) >= 2 and 2 * len(agreed) >= len(shows)
    return most and bool(agreed & tells & numbers) and _answers(shows) <= _answers(wrong)


def _second_mistake(
    key: AnswerKey, outcomes: Sequence[Outcome], first: int, left: dict[Place, Problem]
) -> tuple[KnownMistake | None, set[Place]]:
    """The mistake that, made on top of the first one, gives what the first one alone does not explain."""
    chosen = sorted(_answers(set(left)))
    best: tuple[KnownMistake | None, set[Place]] = (None, set())
    most = 0.0
    effects = effects_of(key)
    for number, known in enumerate(key.mistakes) if chosen else ():
        if not any(effects.in_answer(number, i) for i in chosen):
            continue  # what does not show alone does not show on top of another, either
        together = key.combined(first, number, chosen)
        alike = {
            (i, facet): _together_alike(key.questions[i], outcomes[i], problem, together[i])
            for (i, facet), problem in left.items()
            # An exception says too little of its cause to name a second one by it.
            if i in together and facet in ANSWER_FACETS and outcomes[i].raised is None
        }
        agreed = {place for place, share in alike.items() if share >= ALIKE}
        weight = sum(alike[place] for place in agreed)
        if weight > most:
            best, most = (known, agreed), weight
    return best


def _together_alike(question: Question, got: Outcome, problem: Problem, together: Outcome) -> float:
    its_problems = {found.facet: found for found in problems_of(problem.case, question, together)}
    return likeness(question, got, problem, together, its_problems)


def _answers(places: set[Place]) -> set[int]:
    return {i for i, facet in places if facet in ANSWER_FACETS}


def _says_nothing(outcome: Outcome) -> bool:
    """True for a stub, and where a name is missing, the target's or another: neither points to a mistake."""
    raised = outcome.raised
    if raised is None:
        return False
    return is_unwritten(raised) or raised.is_missing_target or raised.type == "NameError"


def observe(key: AnswerKey, outcomes: Sequence[Outcome], problems: Sequence[Problem]) -> list[tuple[Diagnosis, bool]]:
    """What no known mistake explains, one line per family: the earliest wrong answer first, then wrong conduct.

    With each line, whether it is about an answer.
    """
    ordered = sorted(problems, key=lambda p: (p.facet not in ANSWER_FACETS, _rank(p), p.case))
    found: dict[Family, tuple[Diagnosis, bool]] = {}
    for problem in ordered:
        question, got = key.questions[problem.case], outcomes[problem.case]
        family = family_of(key, question, problem, got)
        if family not in found:
            text = _in_case(describe_problem(key, question, problem, got), question, problem)
            found[family] = Diagnosis("unknown", family, text), problem.facet in ANSWER_FACETS
    return list(found.values())[:MOST_OBSERVATIONS]


def _rank(problem: Problem) -> int:
    """Broken rules before what only follows from breaking them; everything else in the order of the questions."""
    ranked: tuple[Facet, ...] = ("forbidden", "dtype", "changed", "again", "gradient", "largest")
    return ranked.index(problem.facet) if problem.facet in ranked else -1


def _in_case(text: Text, question: Question, problem: Problem) -> Text:
    if problem.facet in ("ended", "forbidden"):
        return text
    return messages.IN_CASE.format(said=text, reason=question.title)
