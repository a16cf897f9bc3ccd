"""Proves the course sound: every stub scores nothing, every reference everything, every known mistake is caught and
named, nothing trivial passes, and independent oracles agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from grader.authoring.cases import FAMILIES, Family
from grader.authoring.conduct import is_conduct
from grader.course.authored import Authored
from grader.course.course import LocatedCourse
from grader.course.derived.device import ON_ACCELERATOR
from grader.course.key import AnswerKey, KnownMistake, Predicted
from grader.course.keys import keep_answers, stamp_of
from grader.course.sentences import FILE, read_sentences
from grader.course.trusted import run_call, scope_of
from grader.grade import Attempt, Grader
from grader.handout.notebooks import SHOWN_IN_GRADED_CELL
from grader.report.model import Report
from grader.runner.runner import Run, Runner
from grader.submission.reader import Submission, read_submission
from grader.values.compare import differences, tensor_deviation, tolerance_of
from grader.values.tree import shown, tensors
from grader.verdict.effects import Effects, Place, effects_of
from grader.verdict.evidence import ANSWER_FACETS, problems_of
from grader.wire.calls import Call, Outcome

IN_SANDBOX = 4
"""Of so many mistakes, one is run where submissions are."""
MARGIN = 5.0
"""A wrong answer has to be this many tolerances away in some case, or the case does not really separate it."""
ORACLE_TOLERANCE = 1e-6
"""Reference and oracle are both float64; they may differ by rounding alone."""


@dataclass
class Proof:
    """What verification found about one exercise."""

    exercise: str
    problems: list[str] = field(default_factory=list)
    families: dict[Family, int] = field(default_factory=dict)
    named: list[tuple[str, Family, str]] = field(default_factory=list)
    """Each variant of a mistake: its slug, its family, and what it was named as."""
    mistakes: set[str] = field(default_factory=set)
    """Slugs of all known mistakes."""
    idle_cases: list[str] = field(default_factory=list)
    """Cases in which no known mistake shows."""

    @property
    def sound(self) -> bool:
        """True when nothing is wrong."""
        return not self.problems


def verify(located: LocatedCourse, exercise: str, runner: Runner) -> Proof:
    """Verify one exercise: stub, reference and every fourth mistake take the way that learners' answers take."""
    authored = Authored(located.solution(exercise))
    found = located.course.find(exercise)
    assert found is not None
    proof = Proof(exercise, mistakes={mistake.slug for mistake in authored.spec.mistakes})
    stamp = stamp_of(located.solution(exercise), "cpu")
    grader = Grader(replace(authored.key(found[1].points), stamp=stamp), runner)
    reference = grader.grade_cells(Submission(Path("<reference>"), authored.script.answer))
    proof.problems += [
        *_reference(grader, reference),
        *_stub(grader),
        *_release(grader, located.release(exercise)),
        *_mistakes(grader, proof),
        *_trivial_answers(grader.key),
        *_oracles(authored, grader.key),
    ]
    keep_answers(grader.key)
    proof.families = dict.fromkeys(FAMILIES, 0) | Counter(check.family for check in reference.checks)
    return proof


def unused_sentences(located: LocatedCourse, proofs: Iterable[Proof]) -> list[str]:
    """What the course says of mistakes that no exercise has, once all exercises were looked at."""
    said = read_sentences(located.root / "solutions" / FILE)
    unused = said.by_slug.keys() - {slug for proof in proofs for slug in proof.mistakes}
    return [
        f"{said.path}:{said.lines[slug]}: {slug!r} is no mistake of any exercise; remove it"
        for slug in sorted(unused, key=said.lines.__getitem__)
    ]


def _stub(grader: Grader) -> Iterator[str]:
    report = grader.grade_cells(Submission(Path("<stub>"), grader.stub))
    if report.status != "not_attempted" or report.score != 0:
        yield f"the stub as handed out is {report.status} with {report.score} points, not not_attempted with 0"


def _release(grader: Grader, path: Path) -> Iterator[str]:
    """The notebook that is handed out is the stub of ``notebook.py``, and holds nobody's answer."""
    if not path.is_file():
        yield f"{path} is not there; run `attn build`"
        return
    cells, expected = read_submission(path).cells, (*grader.stub, SHOWN_IN_GRADED_CELL)
    if cells != expected:
        number = next((i for i, pair in enumerate(zip(cells, expected, strict=False), 1) if pair[0] != pair[1]), None)
        where = f"code cell {number}" if number else f"its {len(cells)} code cells in place of {len(expected)}"
        yield f"{path} is not the notebook that `attn build` makes: see {where}; build it again"


def _reference(grader: Grader, report: Report) -> Iterator[str]:
    for question in grader.key.questions:
        raised = question.right.raised
        if question.raises is None and raised is not None:
            yield f"the reference raises {raised.type} in {question.reason!r}: {raised.message}"
    if not report.passed:
        yield f"the reference gets {report.score or 0.0:g} of {report.max_score:g}: {_first_message(report)}"


def _first_message(report: Report) -> str:
    failed = next((check for check in report.checks if not check.passed), None)
    said = f"{failed.name.en!r}: {failed.message.en}" if failed else ""
    return said or (report.diagnosis[0].message.en if report.diagnosis else "")


def _mistakes(grader: Grader, proof: Proof) -> Iterator[str]:
    key, effects = grader.key, effects_of(grader.key)
    attempts = [_made_by(grader, known) for known in key.mistakes]
    answers = [_answers(grader, attempt, in_sandbox=not i % IN_SANDBOX) for i, attempt in enumerate(attempts)]
    for number, (known, given) in enumerate(zip(key.mistakes, answers, strict=True)):
        assert isinstance(known.predicted, Predicted)
        known.predicted.made = {i: key.questions[i].summed_up(outcome) for i, outcome in given.items()}
        known.predicted.is_new = True
        # What ran in the sandbox answers as it is predicted to in this process: looked at in one answer of each.
        if not number % IN_SANDBOX and not _as_predicted(key, known.predicted.text, effects, number):
            yield f"mistake {known.slug!r} answers otherwise in the sandbox than it does here"
    shows: set[int] = set()
    for number, (known, attempt, given) in enumerate(zip(key.mistakes, attempts, answers, strict=True)):
        places = effects.of(number)
        shows |= {question for question, _ in places}
        if places and not any(_far_enough(key, known, place) for place in places):
            yield f"mistake {known.slug!r} is within {MARGIN:g} tolerances of the reference in every case"
        if not places and is_conduct(known.slug):
            continue  # what the grader makes by itself need not be possible everywhere
        # What was not asked does not count: any answer may stand there.
        outcomes = [given.get(i, question.right) for i, question in enumerate(key.questions)]
        report = grader.judged(attempt, Run(outcomes, defined=list(key.targets), loaded=True))
        first = report.diagnosis[0].mistake if report.diagnosis else "full marks"
        if is_conduct(known.slug) and first != "full marks":
            first = known.slug  # an author may have a better name for it
        proof.named.append((known.slug, known.family, first))
        if first == "full marks":
            yield f"mistake {known.slug!r} ({known.family}) gets full marks: no case separates it from the reference"
        elif first != known.slug:
            yield f"mistake {known.slug!r} ({known.family}) comes out as {first!r}: {_first_message(report)}"
    own = [(i, question) for i, question in enumerate(key.questions) if question.base is None]
    proof.idle_cases = [question.reason for i, question in own if i not in shows]


def _answers(grader: Grader, attempt: Attempt, in_sandbox: bool) -> dict[int, Outcome]:
    """What a mistake answers, by question: asked where submissions are, or in this process, which is quicker.

    Derived questions, which count only where their bases are answered rightly, are asked only there.
    """
    questions = grader.key.questions

    def ask(numbers: Sequence[int]) -> dict[int, Outcome]:
        if in_sandbox:
            run = Grader(grader.key.choosing(numbers), grader.runner).run(attempt)
            return dict(zip(numbers, run.outcomes, strict=True))
        scope = scope_of(attempt.cells[0])
        return {i: run_call(questions[i].call, scope) for i in numbers}

    def is_right(base: int) -> bool:
        problems = problems_of(base, questions[base], questions[base].summed_up(answers[base]))
        return not any(problem.facet in ANSWER_FACETS for problem in problems)

    answers = ask([i for i, question in enumerate(questions) if question.base is None])
    right = {base for base in {question.base for question in questions} if base is not None and is_right(base)}
    if right:
        answers |= ask([i for i, question in enumerate(questions) if i in right or question.base in right])
    return answers


def _made_by(grader: Grader, known: KnownMistake) -> Attempt:
    assert known.variant is not None
    text = known.variant.apply(grader.key.reference, grader.key.targets)
    attempt = grader.look_at(Submission(Path("<verify>"), (text,)))
    assert isinstance(attempt, Attempt)
    return attempt


def _as_predicted(key: AnswerKey, text: str, effects: Effects, number: int) -> bool:
    """Whether the first answer of a mistake that is wrong in the sandbox is as wrong in this process."""
    i = next((i for i in range(len(key.questions)) if effects.in_answer(number, i)), 0)
    problems = problems_of(i, key.questions[i], Predicted(key.questions, text)[i])
    return {problem.facet for problem in problems} == effects.in_answer(number, i).keys()


def _far_enough(key: AnswerKey, known: KnownMistake, place: Place) -> bool:
    i, facet = place
    if facet != "value":
        return True
    question = key.questions[i]
    found = differences(known.predicted[i].value, question.right.value)
    allowed = tolerance_of(question.call.dtype, question.tolerance)
    return max((difference.deviation for difference in found), default=0.0) > MARGIN * allowed


def _trivial_answers(key: AnswerKey) -> Iterator[str]:
    """Zeros, an input itself, and the mean of an input must not pass for any output of any target."""
    passing: dict[tuple[str, str], set[str]] = {}
    for question in key.questions:
        if not question.is_plain:
            continue
        allowed = MARGIN * tolerance_of(question.call.dtype, question.tolerance)
        for where, tensor in tensors(question.right.value):
            passes = {
                name
                for name, answer in _guesses(question.call, tensor)
                if tensor_deviation(answer.to(tensor.dtype), tensor) <= allowed
            }
            place = (question.call.target, shown(where))
            passing[place] = passing.get(place, passes) & passes
    for (target, part), names in passing.items():
        for name in sorted(names):
            yield f"{name} passes for result{part} of {target} in every case"


def _guesses(call: Call, right: Tensor) -> Iterator[tuple[str, Tensor]]:
    yield "zeros", torch.zeros_like(right)
    named = {f"argument {i}": value for i, value in enumerate(call.args, 1)} | call.kwargs
    for name, value in named.items():
        if isinstance(value, Tensor) and value.is_floating_point():
            if value.shape == right.shape:
                yield name, value
            elif value.dim() >= 2 and value.dim() == right.dim() and value.shape[-1] == right.shape[-1]:
                mean = value.to(torch.float64).mean(-2, keepdim=True)
                if mean.shape[:-2] == right.shape[:-2]:
                    yield f"the mean of {name}", mean.expand_as(right)


def _oracles(authored: Authored, key: AnswerKey) -> Iterator[str]:
    for name, text in authored.oracles.items():
        scope = authored.scope_of(text)
        for i, question in enumerate(key.questions):
            if question.reason == ON_ACCELERATOR:
                continue  # an oracle is there for its numbers
            wide = replace(question.call.cast("float64"), measure=False, twice=False, watched=())
            precise = replace(question, call=wide, tolerance=ORACLE_TOLERANCE, max_elements=None)
            got = precise.summed_up(run_call(wide, scope))
            for problem in problems_of(i, precise, got):
                said = got.raised.message if got.raised else problem.facet
                yield f"oracle {name} disagrees in {question.reason!r}: {said}"
