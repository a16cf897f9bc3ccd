"""Grades many submissions: finds them, decides which exercise each is for, and runs them side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Lock, Thread

import torch

from grader.authoring import Text
from grader.course.course import LocatedCourse
from grader.course.exercise import load_exercise
from grader.grade import Grader, environment_on
from grader.report.model import Diagnosis, Report
from grader.runner.pool import RunnerError, WarmParent
from grader.runner.process import WarmProcess
from grader.submission.find import Work
from grader.submission.reader import UnreadableError, read_submission

DEVICE_START_SECONDS = 30.0
"""An accelerator is first touched in the child, which may take this long before the first call comes back."""


def _our_fault(error: Exception) -> Text:
    what = f"{type(error).__name__}: {str(error)[:200]}"
    return Text(
        f"The grader itself failed on this submission ({what}); please report it. Nobody else's grade is affected.",
        f"评分程序自身在这份提交上出错（{what}），请报告。其他人的成绩不受影响。",
    )


class Session:
    """A warm parent, and a grader for every exercise met so far. A context manager."""

    def __init__(
        self,
        located: LocatedCourse,
        device: str = "cpu",
        without_layers: Sequence[str] = (),
        early: WarmProcess | None = None,
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
        self.runner = WarmParent(limits, device, without_layers, early)
        self._graders: dict[str, Grader] = {}
        self._lock = Lock()
        # The warm parent imports torch for a second; meanwhile the exercise is loaded here.
        Thread(target=self._warm_up, daemon=True).start()

    def _warm_up(self) -> None:
        with suppress(RunnerError):  # the next to need the runner gets the error
            self.runner.layers()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.runner.close()

    def grader(self, exercise: str) -> Grader:
        """The grader of an exercise, loaded when first asked for."""
        with self._lock:
            if exercise not in self._graders:
                found = self.located.course.find(exercise)
                assert found is not None
                loaded = load_exercise(self.located.solution(exercise), self.device)
                self._graders[exercise] = Grader(loaded, found[1].points, self.runner)
            return self._graders[exercise]

    def grade(self, work: Work, exercise: str | None = None) -> Report:
        """The report on one file; its exercise is the one given, or that of its name, or the one that it names."""
        try:
            exercise = exercise or self._exercise_of(work.path)
        except UnreadableError as error:
            return self._ungraded(work, Text(str(error), str(error)))
        if exercise is None:
            name = work.path.name
            return self._ungraded(
                work,
                Text(
                    f"Which exercise is {name} for? Name the file <exercise>.ipynb or .py, or give --exercise.",
                    f"{name} 是哪道题？请把文件命名为 <exercise>.ipynb 或 .py，或使用 --exercise。",
                ),
            )
        grader = self.grader(exercise)
        try:
            return grader.grade(work.path, work.shown_as)
        except RunnerError:
            raise
        except Exception as error:  # a fault of ours must not lose anybody else's grade
            return replace(grader.refused("invalid", _our_fault(error)), submission=work.shown_as)

    def grade_all(
        self,
        work: Sequence[Work],
        exercise: str | None = None,
        workers: int | None = None,
        on_report: Callable[[Report], None] = lambda _: None,
    ) -> list[Report]:
        """All reports, in the order of ``work``; ``on_report`` is called as each comes."""
        reports: dict[int, Report] = {}
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

    def _exercise_of(self, path: Path) -> str | None:
        # The file name is the instructor's or the course's; metadata is only the learner's word.
        if self.located.course.find(path.stem):
            return path.stem
        named = read_submission(path).named_exercise
        return named if named is not None and self.located.course.find(named) else None

    def _ungraded(self, work: Work, message: Text) -> Report:
        return Report(
            exercise="",
            submission=work.shown_as,
            status="invalid",
            score=0.0,
            max_score=0.0,
            diagnosis=(Diagnosis("unknown", "interface", message),),
            environment=environment_on(self.device),
        )
