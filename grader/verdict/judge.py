"""Judges what came of running a submission: its score, its status, and the root cause of what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from grader.course.key import AnswerKey
from grader.report.model import Diagnosis, Environment, Report, Status
from grader.report.render import placed
from grader.runner.runner import Run
from grader.submission import uses
from grader.submission.notes import Note
from grader.submission.statics import names_bound_at
from grader.text import Text
from grader.verdict import messages
from grader.verdict.checks import score_checks
from grader.verdict.describe import is_unwritten
from grader.verdict.diagnosis import Explanation, diagnose, explain
from grader.verdict.evidence import Problem, countable, problems_of
from grader.verdict.example import example_of
from grader.verdict.happened import ended, happened
from grader.wire.calls import Outcome
from grader.wire.ended import Ended

Place = Callable[[int, "int | None"], "tuple[int | None, int | None]"]
_STATUS_OF: dict[Ended, Status] = {
    Ended.OUT_OF_MEMORY: "out_of_memory",
    Ended.TIMEOUT: "timeout",
    Ended.WAITING: "timeout",
    Ended.CRASHED: "crashed",
}
"""What a submission's status is where something ended so: the first of these that happened."""


def judge(
    key: AnswerKey,
    run: Run,
    cells: Sequence[str],
    environment: Environment,
    place: Place = lambda cell, line: (cell, line),
) -> Report:
    """Score and explain what came of running a submission. Compares data; runs nothing of the learner's.

    Args:
        key: what is asked, and what is right.
        run: what came of the submission.
        cells: the code that was run.
        environment: where it was run.
        place: where a cell and its line stand in the file that was handed in.
    """
    run = replace(run, outcomes=key.summed_up(run.outcomes))
    problems = problems_in(key, run.outcomes)
    breaches = rule_breaches(key, cells)
    checks = score_checks(key, run.outcomes, problems, breaches)
    status = _status(run)
    if all(check.passed for check in checks) and status == "graded":
        score, diagnosis, example = key.points, list[Diagnosis](), None
    else:
        score = min(round(sum(check.points for check in checks), 4), key.points)
        explanation = explain(key, run.outcomes, problems)
        diagnosis = _diagnosis(key, run, explanation, breaches)
        lost = _lost(run, cells, key.targets, place)
        # Where nothing is defined, all else only follows from that.
        diagnosis = lost if lost and not run.defined else [*lost, *diagnosis]
        nothing_to_show = lost or status == "not_attempted"
        example = None if nothing_to_show else example_of(key, run.outcomes, problems, explanation.root)
    return Report(
        exercise=key.exercise,
        submission="",
        status=status,
        score=0.0 if status == "not_attempted" else score,
        max_score=key.points,
        checks=tuple(checks),
        diagnosis=tuple(diagnosis),
        environment=environment,
        example=example,
    )


def refused(key: AnswerKey, status: Status, message: Text, environment: Environment) -> Report:
    """A report without a run: every check failed, for one reason."""
    nothing = [Outcome(ended=Ended.NOT_RUN) for _ in key.questions]
    checks = score_checks(key, nothing, problems_in(key, nothing), [])
    return Report(
        exercise=key.exercise,
        submission="",
        status=status,
        score=0.0,
        max_score=key.points,
        checks=tuple(replace(check, message=message) for check in checks),
        diagnosis=(Diagnosis("unknown", "interface", message),),
        environment=environment,
    )


def not_graded(key: AnswerKey, message: Text, environment: Environment) -> Report:
    """A report that says only that the grader itself failed: it costs no points, and gives none."""
    return Report(
        exercise=key.exercise,
        submission="",
        status="not_graded",
        score=None,
        max_score=key.points,
        diagnosis=(Diagnosis("unknown", "interface", message),),
        environment=environment,
    )


def rule_breaches(key: AnswerKey, cells: Sequence[str]) -> list[Text]:
    """What the text of the code shows of forbidden operations and imports."""
    found = [
        messages.FORBIDDEN_USED.format(name=name, line=line)
        for name, line in uses.forbidden_uses(cells, key.targets, key.forbidden)
    ]
    for package in uses.forbidden_imports(cells, key.targets, key.forbidden_imports):
        found.append(messages.FORBIDDEN_IMPORTED.format(package=package))
    return found


def problems_in(key: AnswerKey, outcomes: Sequence[Outcome]) -> list[Problem]:
    """Everything that is wrong with the outcomes of all calls."""
    found = [
        problem
        for i, question in enumerate(key.questions)
        for problem in problems_of(i, question, outcomes[i], key.device)
    ]
    return countable(found, key.questions)


def _diagnosis(key: AnswerKey, run: Run, explanation: Explanation, breaches: Sequence[Text]) -> list[Diagnosis]:
    found = diagnose(key, run.outcomes, explanation)
    if breaches and not any(diagnosis.family == "rules" for diagnosis in found):
        found.insert(0, Diagnosis("unknown", "rules", breaches[0]))
    return found


def _lost(run: Run, cells: Sequence[str], targets: Sequence[str], place: Place) -> list[Diagnosis]:
    """The statement that failed, where what is missing is what it would have bound."""
    missing = {found[1] for outcome in run.outcomes if (found := _NAME_ERROR.match(_message(outcome)))}
    missing |= {name for name in targets if name not in run.defined}
    for error in run.cell_errors:
        if error.cell is None or not 0 < error.cell <= len(cells) or error.type == "MissingLibraryError":
            continue
        lost = sorted(names_bound_at(cells[error.cell - 1], error.line) & missing)
        if lost:
            return [_because(happened(error), lost[0], place(error.cell, error.line))]
    if not run.defined:
        for cell, how in run.ended_cells.items():
            return [_because(ended(how), targets[0], place(cell, None))]
        for error in run.cell_errors:
            if error.type == "SyntaxError" and error.cell is not None:
                return [_because(happened(error), targets[0], place(error.cell, error.line))]
    return []


def _because(what: Text, name: str, where: tuple[int | None, int | None]) -> Diagnosis:
    text = messages.SO_IT_IS_NOT_DEFINED.format(what=placed(Note(what, *where)), name=name)
    return Diagnosis("unknown", "interface", text)


_NAME_ERROR = re.compile(r"name '(\w+)' is not defined")


def _message(outcome: Outcome) -> str:
    return outcome.raised.message if outcome.raised is not None and "NameError" in outcome.raised.bases else ""


def _status(run: Run) -> Status:
    how = [outcome.ended for outcome in run.outcomes]
    if not run.defined:
        how += run.ended_cells.values()
    for ended_so, status in _STATUS_OF.items():
        if ended_so in how:
            return status
    raised = [outcome.raised for outcome in run.outcomes]
    if raised and all(is_unwritten(error) for error in raised):
        return "not_attempted"
    if not run.defined:
        return "invalid"
    return "graded"
