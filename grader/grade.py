"""Grades one submission: reads it, has it run, judges what came back, explains it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from grader.course.key import AnswerKey
from grader.report.model import Environment, Report, Status
from grader.runner.runner import PackedCalls, Run, Runner
from grader.submission import statics
from grader.submission.contents import UnreadableError
from grader.submission.language import as_code, parse
from grader.submission.missing import why_missing
from grader.submission.notes import Note
from grader.submission.reader import Submission, read_submission
from grader.text import Text
from grader.values.patience import TooDearError, at_most
from grader.verdict import messages
from grader.verdict.happened import notes_on
from grader.verdict.judge import judge, not_graded, refused
from grader.version import own_version

MOST_JUDGING_SECONDS = 60.0
"""Of this thread's own computing. What can be sent is bounded so that it takes milliseconds."""


def environment_on(device: str, sandbox: tuple[str, ...] = ()) -> Environment:
    """What a report says about where it was made: in this process, or in its children."""
    return Environment(str(torch.__version__).split("+")[0], device, own_version(), sandbox)


@dataclass(frozen=True)
class Attempt:
    """A submission that is worth running, as it is run.

    Args:
        submission: as it was handed in.
        cells: its code without what only shows something, and without the stub below an answer.
        notes: what is to be said of it so far.
    """

    submission: Submission
    cells: tuple[str, ...]
    notes: tuple[Note, ...]


class Grader:
    """Grades submissions to one exercise with a warm parent that it shares with other exercises."""

    def __init__(self, key: AnswerKey, runner: Runner) -> None:
        self.key, self.runner = key, runner
        self.stub = as_code(key.stub)
        self.packed = PackedCalls(key.calls)

    @property
    def environment(self) -> Environment:
        """Where grades are made."""
        return environment_on(self.key.device, self.runner.layers())

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
        attempt = self.look_at(submission)
        return attempt if isinstance(attempt, Report) else self.judged(attempt, self.run(attempt))

    def look_at(self, submission: Submission) -> Attempt | Report:
        """What is to be run of a submission; or the report on one that is not worth running."""
        targets = self.key.targets
        shown = without_shown(submission.cells, self.key.left_out)
        helpers = [text for _, text in submission.files]
        if statics.untouched([*helpers, *shown], self.stub, targets):
            return replace(self.refused("not_attempted", messages.NOT_ATTEMPTED), notes=submission.notes)
        cells, stubs = statics.without_stubs_below(shown, self.stub, targets)
        if not set(targets) & statics.definitions(cells).keys():
            broken = [cell for cell in cells if cell.strip() and parse(cell) is None]
            if broken:
                why = why_missing(submission, targets) or _syntax_error(broken[0])
                return replace(self.refused("invalid", why), notes=submission.notes)
        notes = [Note(messages.STUB_PASSED_OVER, *submission.place(*where)) for where in stubs]
        return Attempt(submission, tuple(cells), (*submission.notes, *notes))

    def run(self, attempt: Attempt) -> Run:
        """What comes of an attempt in the sandbox."""
        files, script = dict(attempt.submission.files), attempt.submission.script
        return self.runner.run(attempt.cells, self.key.targets, self.packed, files, script)

    def judged(self, attempt: Attempt, run: Run) -> Report:
        """The report on an attempt, by what came of it."""
        submission = attempt.submission
        notes = (*attempt.notes, *notes_on(run, submission.place))
        why = None if run.defined else why_missing(submission, self.key.targets)
        if why:
            return replace(self.refused("invalid", why), notes=notes)
        code = [*attempt.cells, *(text for _, text in submission.files)]
        try:
            with at_most(MOST_JUDGING_SECONDS):
                report = judge(self.key, run, code, self.environment, submission.place)
        except TooDearError:
            report = self.refused("timeout", messages.TOO_DEAR_TO_JUDGE)
        return replace(report, notes=notes)

    def refused(self, status: Status, message: Text) -> Report:
        """A report without a run: every check failed, for one reason."""
        return refused(self.key, status, message, self.environment)

    def not_graded(self, message: Text) -> Report:
        """A report without a score: the grader itself failed, and says how."""
        return not_graded(self.key, message, environment_on(self.key.device))


def without_shown(cells: Iterable[str], left_out: frozenset[str]) -> list[str]:
    """The cells of a submission as grading runs them: unchanged copies of those that only show something are empty."""
    return ["" if cell.strip() in left_out else cell for cell in cells]


def _syntax_error(cell: str) -> Text:
    try:
        compile(cell, "cell", "exec", dont_inherit=True)
    except SyntaxError as error:
        code = (error.text or "").strip()[:160]
        return messages.SYNTAX_ERROR.format(line=error.lineno, error=error.msg, code=code)
    except (ValueError, RecursionError, MemoryError, OverflowError, SystemError):
        pass
    return messages.CANNOT_BE_PARSED
