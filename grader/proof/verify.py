"""Proves the course sound: every stub scores nothing, every reference everything, every known mistake is caught and
named, nothing trivial passes, and independent oracles agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from grader.authoring import FAMILIES, Case, Family
from grader.course.course import LocatedCourse
from grader.course.exercise import LoadedExercise, load_exercise
from grader.grade import Grader
from grader.handout.notebooks import SHOWN_IN_GRADED_CELL
from grader.report.model import Report
from grader.runner.pool import WarmParent
from grader.submission.reader import Submission, read_submission
from grader.values.compare import differences, tensor_deviation, tolerance_of
from grader.values.tree import shown, tensors
from grader.verdict.diagnosis import telling_facets
from grader.verdict.evidence import problems_of
from grader.wire.calls import Outcome

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
    idle_cases: list[str] = field(default_factory=list)
    """Cases in which no known mistake shows."""

    @property
    def sound(self) -> bool:
        """True when nothing is wrong."""
        return not self.problems


def verify(located: LocatedCourse, exercise: str, runner: WarmParent) -> Proof:
    """Verify one exercise through the same path that grades learners."""
    loaded = load_exercise(located.solution(exercise))
    found = located.course.find(exercise)
    assert found is not None
    proof = Proof(exercise)
    grader = Grader(loaded, found[1].points, runner)
    proof.problems += [
        *_reference(grader),
        *_stub(grader),
        *_release(grader, located.release(exercise)),
        *_mistakes(grader, proof),
        *_trivial_answers(loaded),
        *_oracles(loaded),
    ]
    proof.families = _families(grader)
    return proof


def _submission(text: str) -> Submission:
    return Submission(Path("<verify>"), (text,))


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


def _reference(grader: Grader) -> Iterator[str]:
    for case, right in zip(grader.exercise.cases, grader.exercise.expected, strict=True):
        if case.raises is None and right.raised is not None:
            yield f"the reference raises {right.raised.type} in {case.reason!r}: {right.raised.message}"
    report = grader.grade_cells(Submission(Path("<reference>"), grader.exercise.reference.answer))
    if not report.passed:
        yield f"the reference gets {report.score:g} of {report.max_score:g}: {_first_message(report)}"


def _first_message(report: Report) -> str:
    failed = next((check for check in report.checks if not check.passed), None)
    said = f"{failed.name!r}: {failed.message.en}" if failed else ""
    return said or (report.diagnosis[0].message.en if report.diagnosis else "")


def _mistakes(grader: Grader, proof: Proof) -> Iterator[str]:
    exercise = grader.exercise
    shows: set[int] = set()
    for known, predicted in exercise.predictions:
        telling = telling_facets(exercise.cases, predicted, exercise.expected)
        shows |= {case for case, _ in telling}
        if telling and not _far_enough(exercise, predicted, telling):
            yield f"mistake {known.slug!r} is within {MARGIN:g} tolerances of the reference in every case"
    for known in exercise.spec.mistakes:
        for variant in known.variants:
            report = grader.grade_cells(_submission(exercise.text_of(variant)))
            first = report.diagnosis[0].mistake if report.diagnosis else "full marks"
            proof.named.append((known.slug, known.family, first))
            if first != known.slug:
                yield f"mistake {known.slug!r} ({known.family}) comes out as {first!r}: {_first_message(report)}"
    proof.idle_cases = [case.reason for i, case in enumerate(exercise.cases) if i not in shows]


def _far_enough(exercise: LoadedExercise, predicted: Sequence[Outcome], telling: set[Any]) -> bool:
    for i, facet in telling:
        if facet != "value":
            return True
        case = exercise.cases[i]
        allowed = tolerance_of(case.dtype, case.tolerance)
        found = differences(predicted[i].value, exercise.expected[i].value)
        if max((difference.deviation for difference in found), default=0.0) > MARGIN * allowed:
            return True
    return False


def _trivial_answers(exercise: LoadedExercise) -> Iterator[str]:
    """Zeros, an input itself, and the mean of an input must not pass for any output of any target."""
    passing: dict[tuple[str, str], set[str]] = {}
    for case, right in zip(exercise.cases, exercise.expected, strict=True):
        if case.judge is not None or case.raises is not None:
            continue
        target = case.target or exercise.spec.targets[0]
        allowed = MARGIN * tolerance_of(case.dtype, case.tolerance)
        for where, tensor in tensors(right.value):
            passes = {
                name
                for name, answer in _guesses(case, tensor)
                if tensor_deviation(answer.to(tensor.dtype), tensor) <= allowed
            }
            key = (target, shown(where))
            passing[key] = passing.get(key, passes) & passes
    for (target, place), names in passing.items():
        for name in sorted(names):
            yield f"{name} passes for result{place} of {target} in every case"


def _guesses(case: Case, right: Tensor) -> Iterator[tuple[str, Tensor]]:
    yield "zeros", torch.zeros_like(right)
    named = {f"argument {i}": value for i, value in enumerate(case.args, 1)} | case.kwargs
    for name, value in named.items():
        if isinstance(value, Tensor) and value.is_floating_point():
            if value.shape == right.shape:
                yield name, value
            elif value.dim() >= 2 and value.dim() == right.dim() and value.shape[-1] == right.shape[-1]:
                mean = value.to(torch.float64).mean(-2, keepdim=True)
                if mean.shape[:-2] == right.shape[:-2]:
                    yield f"the mean of {name}", mean.expand_as(right)


def _oracles(exercise: LoadedExercise) -> Iterator[str]:
    wide = [replace(call.cast("float64"), measure=False, twice=False, watched=()) for call in exercise.calls]
    for oracle in exercise.spec.oracles:
        scope = exercise.scope_of(exercise.text_of_oracle(oracle))
        for i, (case, call) in enumerate(zip(exercise.cases, wide, strict=True)):
            got = exercise.perform(call, scope)
            precise = replace(case, dtype="float64", tolerance=ORACLE_TOLERANCE, max_elements=None, twice=False)
            for problem in problems_of(i, precise, got, exercise.expected[i]):
                said = got.raised.message if got.raised else problem.facet
                yield f"oracle {oracle.__name__} disagrees in {case.reason!r}: {said}"


def _families(grader: Grader) -> dict[Family, int]:
    counts = dict.fromkeys(FAMILIES, 0)
    for check in grader.grade_cells(Submission(Path("<reference>"), grader.exercise.reference.answer)).checks:
        counts[check.family] += 1
    return counts
