"""Grades one submission: reads it, has it run, judges what came back, explains it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from grader.authoring import Exercise, Text
from grader.course.exercise import LoadedExercise, untrusted_cells
from grader.report.model import Check, Diagnosis, Environment, Report, Status
from grader.runner.pool import PackedCalls, Run, WarmParent
from grader.submission import statics
from grader.submission.reader import Submission, UnreadableError, as_code, parse, read_submission
from grader.verdict.checks import score_checks
from grader.verdict.describe import is_unwritten
from grader.verdict.diagnosis import Judged, diagnose
from grader.verdict.evidence import Problem, problems_of
from grader.version import own_version
from grader.wire.calls import Outcome


def environment_on(device: str, sandbox: tuple[str, ...] = ()) -> Environment:
    """Where a grade is made in this process or its children."""
    return Environment(str(torch.__version__).split("+")[0], device, own_version(), sandbox)


class Grader:
    """Grades submissions to one exercise with a warm parent that it shares with other exercises."""

    def __init__(self, exercise: LoadedExercise, points: float, runner: WarmParent) -> None:
        self.exercise, self.points, self.runner = exercise, points, runner
        self.stub = as_code(exercise.reference.handed_out)
        self.packed = PackedCalls(exercise.calls)

    @property
    def environment(self) -> Environment:
        """Where grades are made."""
        return environment_on(self.exercise.device, self.runner.layers())

    def grade(self, path: Path, shown_as: str | None = None) -> Report:
        """The report on one file. Never raises for anything that the file or its code does."""
        started = time.perf_counter()
        try:
            report = self.grade_cells(read_submission(path))
        except UnreadableError as error:
            report = self.refused("invalid", Text(str(error), str(error)))
        return replace(report, submission=shown_as or str(path), seconds=time.perf_counter() - started)

    def grade_cells(self, submission: Submission) -> Report:
        """The report on a submission that has been read."""
        targets = self.exercise.spec.targets
        cells = untrusted_cells(submission.cells, self.exercise.reference.left_out)
        if statics.unchanged(cells, self.stub, targets):
            return self.refused("not_attempted", _NOT_ATTEMPTED)
        if not set(targets) & statics.definitions(cells).keys():
            broken = [cell for cell in cells if cell.strip() and parse(cell) is None]
            if broken:
                return self.refused("invalid", _syntax_error(broken[0]))
        run = self.runner.run(cells, targets, self.packed)
        return judge(self.exercise, cells, run, self.points, self.environment)

    def refused(self, status: Status, message: Text) -> Report:
        """A report without a run: every check failed, for one reason."""
        nothing = [Outcome(ended="not_run") for _ in self.exercise.cases]
        checks = _checks(self.exercise, nothing, _problems(self.exercise, nothing), [], self.points)
        return Report(
            exercise=self.exercise.id,
            submission="",
            status=status,
            score=0.0,
            max_score=self.points,
            checks=tuple(replace(check, message=message) for check in checks),
            diagnosis=(Diagnosis("unknown", "interface", message),),
            environment=self.environment,
        )


def judge(exercise: Judged, cells: Sequence[str], run: Run, points: float, environment: Environment) -> Report:
    """Score and explain what came of running a submission. Compares data; runs nothing of the learner's."""
    spec, outcomes = exercise.spec, run.outcomes
    problems = _problems(exercise, outcomes)
    breaches = rule_breaches(spec, cells)
    checks = _checks(exercise, outcomes, problems, breaches, points)
    status = _status(run)
    if all(check.passed for check in checks) and status == "graded":
        score, diagnosis = points, list[Diagnosis]()
    else:
        score = min(round(sum(check.points for check in checks), 4), points)
        diagnosis = _diagnosis(exercise, run, outcomes, problems, breaches)
    return Report(
        exercise=exercise.id,
        submission="",
        status=status,
        score=0.0 if status == "not_attempted" else score,
        max_score=points,
        checks=tuple(checks),
        diagnosis=tuple(diagnosis),
        environment=environment,
    )


def rule_breaches(spec: Exercise, cells: Sequence[str]) -> list[Text]:
    """What the text of the code shows of forbidden operations and imports."""
    found = [
        Text(
            f"`{name}` is used in line {line}: this exercise asks you to write that operation yourself.",
            f"第 {line} 行使用了 `{name}`：本题要求自己实现这个操作。",
        )
        for name, line in statics.forbidden_uses(cells, spec.targets, spec.forbidden)
    ]
    for package in sorted(statics.imports(cells) & set(spec.forbidden_imports)):
        found.append(
            Text(f"`{package}` is imported: this exercise does without it.", f"导入了 `{package}`：本题不使用它。")
        )
    return found


def _problems(exercise: Judged, outcomes: Sequence[Outcome]) -> list[Problem]:
    return [
        problem
        for i, case in enumerate(exercise.cases)
        for problem in problems_of(i, case, outcomes[i], exercise.expected[i], exercise.device)
    ]


def _checks(
    exercise: Judged,
    outcomes: Sequence[Outcome],
    problems: Sequence[Problem],
    breaches: Sequence[Text],
    points: float,
) -> list[Check]:
    return score_checks(exercise.spec, exercise.cases, outcomes, exercise.expected, problems, breaches, points)


def _diagnosis(
    exercise: Judged,
    run: Run,
    outcomes: Sequence[Outcome],
    problems: Sequence[Problem],
    breaches: Sequence[Text],
) -> list[Diagnosis]:
    found = diagnose(exercise, outcomes, problems)
    if breaches and not any(diagnosis.family == "rules" for diagnosis in found):
        found.insert(0, Diagnosis("unknown", "rules", breaches[0]))
    if run.cell_errors and not run.defined:
        error = run.cell_errors[0]
        where = f" (line {error['line']})" if error.get("line") else ""
        said = str(error.get("message", ""))[:160]
        text = Text(
            f"A cell raises {error.get('type')} before anything is defined: {said}{where}",
            f"有一个单元在定义完成之前抛出了 {error.get('type')}：{said}{where}",
        )
        found.insert(0, Diagnosis("unknown", "interface", text))
    return found


def _status(run: Run) -> Status:
    ended = [outcome.ended for outcome in run.outcomes if outcome.ended]
    for status in ("out_of_memory", "timeout", "crashed"):
        if status in ended:
            return status
    raised = [outcome.raised for outcome in run.outcomes]
    if raised and all(is_unwritten(error) for error in raised):
        return "not_attempted"
    if not run.defined:
        return "invalid"
    return "graded"


_NOT_ATTEMPTED = Text(
    "This is still the notebook as it was handed out. Write your solution where it says YOUR CODE HERE, then check it.",
    "这还是发下来的原样。请在 YOUR CODE HERE 处写下你的解答，然后检查。",
)


def _syntax_error(cell: str) -> Text:
    try:
        compile(cell, "cell", "exec", dont_inherit=True)
    except SyntaxError as error:
        line = (error.text or "").strip()[:160]
        return Text(
            f"The code has a syntax error in line {error.lineno} of its cell: {error.msg}: {line}",
            f"代码在其单元的第 {error.lineno} 行有语法错误：{error.msg}：{line}",
        )
    except (ValueError, RecursionError, MemoryError, OverflowError, SystemError):
        pass
    return Text("The code cannot be parsed.", "代码无法解析。")
