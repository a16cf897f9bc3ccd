"""Grades one submission: reads it, has it run, judges what came back, explains it."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import torch

from grader.authoring import Text
from grader.course.exercise import LoadedExercise, untrusted_cells
from grader.report.model import Diagnosis, Environment, Report, Status
from grader.runner.pool import PackedCalls, WarmParent
from grader.submission import statics
from grader.submission.contents import UnreadableError
from grader.submission.language import as_code, parse
from grader.submission.missing import why_missing
from grader.submission.notes import Note
from grader.submission.reader import Submission, read_submission
from grader.verdict.happened import STUB_PASSED_OVER, notes_on
from grader.verdict.judge import checks_of, judge, problems_in
from grader.version import own_version
from grader.wire.calls import Outcome


def environment_on(device: str, sandbox: tuple[str, ...] = ()) -> Environment:
    """What a report says about where it was made: in this process, or in its children."""
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
            report = self.refused("invalid", error.text)
        return replace(report, submission=shown_as or str(path), seconds=time.perf_counter() - started)

    def grade_cells(self, submission: Submission) -> Report:
        """The report on a submission that has been read."""
        report, notes = self._graded(submission)
        return replace(report, notes=(*submission.notes, *notes))

    def _graded(self, submission: Submission) -> tuple[Report, list[Note]]:
        targets = self.exercise.spec.targets
        shown = untrusted_cells(submission.cells, self.exercise.reference.left_out)
        helpers = [text for _, text in submission.files]
        if statics.untouched([*helpers, *shown], self.stub, targets):
            return self.refused("not_attempted", _NOT_ATTEMPTED), []
        cells, stubs = statics.without_stubs_below(shown, self.stub, targets)
        if not set(targets) & statics.definitions(cells).keys():
            broken = [cell for cell in cells if cell.strip() and parse(cell) is None]
            if broken:
                return self.refused("invalid", why_missing(submission, targets) or _syntax_error(broken[0])), []
        run = self.runner.run(cells, targets, self.packed, dict(submission.files), submission.script)
        notes = [Note(STUB_PASSED_OVER, *submission.place(*where)) for where in stubs]
        notes += notes_on(run, submission.place)
        why = None if run.defined else why_missing(submission, targets)
        if why:
            return self.refused("invalid", why), notes
        code = [*cells, *helpers]
        return judge(self.exercise, code, run, self.points, self.environment, submission.place), notes

    def refused(self, status: Status, message: Text) -> Report:
        """A report without a run: every check failed, for one reason."""
        nothing = [Outcome(ended="not_run") for _ in self.exercise.cases]
        checks = checks_of(self.exercise, nothing, problems_in(self.exercise, nothing), [], self.points)
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
