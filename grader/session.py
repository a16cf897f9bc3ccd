"""Grades many submissions: finds them, decides which exercise each is for, and runs them side by side."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from threading import Lock

import torch

from grader.course.asked import Asked
from grader.course.course import LocatedCourse
from grader.course.errors import ExerciseError
from grader.course.keys import keep_answers, key_of
from grader.grade import Grader, environment_on
from grader.report.model import Diagnosis, Report, Status
from grader.runner.children import Children, RunnerError
from grader.runner.machine import what_is_lacking
from grader.runner.runner import Runner
from grader.submission.beside import modules_beside
from grader.submission.contents import UnreadableError
from grader.submission.find import Work
from grader.submission.language import parse
from grader.submission.missing import notes_on
from grader.submission.names import possible_exercises, shown
from grader.submission.notes import Note
from grader.submission.reader import Submission, read_submission
from grader.submission.statics import definitions
from grader.text import Text

DEVICE_START_SECONDS = 30.0
"""An accelerator is first touched in the child, which may take this long before the first call comes back."""


def _our_fault(error: Exception) -> Text:
    what = f"{type(error).__name__}: {str(error)[:200]}"
    return Text(
        f"The grader itself failed on this submission, so it has no grade yet ({what}); grade it again, and please "
        "report it if that does not help. Nobody else's grade is affected.",
        f"评分程序自身在这份提交上出错，因此尚无成绩（{what}）；请重新评分，仍然如此时请报告。其他人的成绩不受影响。",
    )


class Session:
    """A runner, and a grader for every exercise met so far. A context manager."""

    def __init__(
        self,
        located: LocatedCourse,
        device: str = "cpu",
        without_layers: Sequence[str] = (),
        children: Children | None = None,
    ) -> None:
        torch.set_num_threads(1)
        self.located, self.device = located, device
        limits = located.course.limits
        if device != "cpu":
            longer = {
                "call_seconds": limits.call_seconds + DEVICE_START_SECONDS,
                "seconds": limits.seconds + 2 * DEVICE_START_SECONDS,
            }
            limits = limits.model_copy(update=longer)
        self.runner = Runner(limits, device, without_layers, children)
        self._asked = Asked(located)
        self.modules: dict[Path, str] = {}
        """Files that were imported so far by a submission beside them, each with the name of one."""
        self._graders: dict[str, Grader] = {}
        self._lock = Lock()
        self.runner.begin()  # it imports torch for a second; meanwhile the exercise is loaded here

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.runner.close()
        for grader in self._graders.values():
            keep_answers(grader.key)

    def grader(self, exercise: str) -> Grader:
        """The grader of an exercise, loaded when first asked for."""
        with self._lock:
            if exercise not in self._graders:
                self._graders[exercise] = Grader(key_of(self.located, exercise, self.device), self.runner)
            return self._graders[exercise]

    def grade(self, work: Work, exercise: str | None = None) -> Report:
        """The report on one file; its exercise is the one given, that of its name, that which it names, or answers."""
        started = time.perf_counter()
        exercise = exercise or self._named(work.path)
        try:
            submission = read_submission(work.path)
            exercise = exercise or self._exercise_of(submission)
            grader = self.grader(exercise)
            others = self._others(submission, grader)
            named = self._named_otherwise(submission, exercise)
            notes = (*work.notes, *named, *notes_on(submission, grader.key.targets), *others)
            report = grader.grade_cells(replace(self.with_modules(submission, grader), notes=notes))
            if others and report.status == "invalid" and all(map(parse, submission.cells)):
                # Nothing is wrong with the code: it answers another question.
                first = tuple(Diagnosis("unknown", "interface", note.message) for note in others)
                report = replace(report, diagnosis=(*first, *report.diagnosis))
        except UnreadableError as error:
            report = replace(self._refused(exercise, error.text), notes=work.notes)
        except (RunnerError, ExerciseError):
            raise
        except Exception as error:  # a fault of ours must not lose anybody else's grade
            if isinstance(error, OSError) and what_is_lacking(error):
                raise
            report = replace(self._failed(exercise, _our_fault(error)), notes=work.notes)
        return replace(report, submission=work.shown_as, seconds=time.perf_counter() - started)

    def grade_all(
        self,
        work: Sequence[Work],
        exercise: str | None = None,
        workers: int | None = None,
        on_report: Callable[[Report], None] = lambda _: None,
    ) -> list[Report]:
        """All reports, in the order of ``work``; ``on_report`` is called as each comes."""
        reports: dict[int, Report] = {}
        for name in dict.fromkeys(exercise or self._named(item.path) for item in work):
            if name is not None:
                self.grader(name)  # keys are read before anybody's code is run
        with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
            waiting: dict[Future[Report], int] = {
                pool.submit(self.grade, item, exercise): number for number, item in enumerate(work)
            }
            try:
                while waiting:
                    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                    for future in done:
                        number = waiting.pop(future)
                        reports[number] = future.result()
                        on_report(reports[number])
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self.runner.abandon()
                raise
        return [reports[number] for number in range(len(work))]

    def with_modules(self, submission: Submission, grader: Grader) -> Submission:
        """The submission with the student's own modules that it imports from beside it."""
        files = modules_beside(submission.path, submission.cells, self._is_exercise, grader.key.targets)
        self.modules.update((submission.path.parent / name, shown(submission.path.name)) for name, _ in files)
        return replace(submission, files=files)

    def _is_exercise(self, name: str) -> bool:
        return self.located.course.named(name) is not None

    def _named(self, path: Path) -> str | None:
        # The file name is the instructor's or the course's; metadata is only the learner's word.
        return next(filter(None, map(self.located.course.named, possible_exercises(path.name))), None)

    def _exercise_of(self, submission: Submission) -> str:
        """The exercise that a file is for whose name does not tell.

        Raises:
            UnreadableError: nothing in it tells, or what does disagrees.
        """
        defined = definitions(submission.cells).keys()
        named = self.located.course.named(submission.named_exercise or "")
        if named is not None:
            answered = [] if self._asked.by(named) & defined else self._asked.answered(defined)
            if answered:
                raise UnreadableError(_disagree(named, answered, shown(submission.path.name)))
            return named
        answered = self._asked.answered(defined)
        if len(answered) != 1:
            raise UnreadableError(_which(submission.path.name, answered))
        return answered[0]

    def _named_otherwise(self, submission: Submission, exercise: str) -> tuple[Note, ...]:
        named = self.located.course.named(submission.named_exercise or "")
        if named is None or named == exercise:
            return ()
        name = shown(submission.path.name)
        return (
            Note(
                Text(
                    f"The metadata of {name} name the exercise {named}; it is graded for {exercise}.",
                    f"{name} 的元数据写的是习题 {named}；这里按 {exercise} 评分。",
                )
            ),
        )

    def _others(self, submission: Submission, grader: Grader) -> tuple[Note, ...]:
        """What else of the course a file answers than that for which it is graded."""
        handed_out = {*definitions(grader.stub), *grader.key.targets}
        others = self._asked.answered(definitions(submission.cells).keys() - handed_out)
        return tuple(Note(_also(exercise, shown(submission.path.name))) for exercise in others)

    def _refused(self, exercise: str | None, message: Text) -> Report:
        if exercise is not None:
            return self.grader(exercise).refused("invalid", message)
        return self._of_no_exercise("invalid", 0.0, message)

    def _failed(self, exercise: str | None, message: Text) -> Report:
        if exercise is not None:
            return self.grader(exercise).not_graded(message)
        return self._of_no_exercise("not_graded", None, message)

    def _of_no_exercise(self, status: Status, score: float | None, message: Text) -> Report:
        return Report(
            exercise="",
            submission="",
            status=status,
            score=score,
            max_score=0.0,
            diagnosis=(Diagnosis("unknown", "interface", message),),
            environment=environment_on(self.device),
        )


def _which(name: str, answered: Sequence[str]) -> Text:
    if not answered:
        return Text(
            f"Which exercise is {name} for? Name the file <exercise>.ipynb or .py, or give --exercise.",
            f"{name} 是哪道题？请把文件命名为 <exercise>.ipynb 或 .py，或使用 --exercise。",
        )
    listed = ", ".join(answered)
    return Text(
        f"Which exercise is {name} for? It answers {listed}: give --exercise for each in turn, "
        "or hand in one file an exercise.",
        f"{name} 是哪道题？其中有 {listed} 的解答：请分别使用 --exercise，或每道题提交一个文件。",
    )


def _disagree(named: str, answered: Sequence[str], name: str) -> Text:
    listed = ", ".join(answered)
    return Text(
        f"The metadata of {name} name the exercise {named}, but its cells define the answer to {listed}. "
        f"Give --exercise {answered[0]}, or name the file {answered[0]}.ipynb.",
        f"{name} 的元数据写的是习题 {named}，而单元中定义的是 {listed} 的解答。"
        f"请使用 --exercise {answered[0]}，或把文件命名为 {answered[0]}.ipynb。",
    )


def _also(exercise: str, name: str) -> Text:
    return Text(
        f"{name} holds an answer to {exercise}, which is not graded here; to grade that: --exercise {exercise}.",
        f"{name} 中有 {exercise} 的解答，这里没有评分；若要评分：--exercise {exercise}。",
    )
