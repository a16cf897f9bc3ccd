"""What the grader's own processes do wrong costs no submission anything, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from helpers import EXERCISE, RIGHT

from grader.course.course import LocatedCourse
from grader.report.model import reports_from_json
from grader.report.render import as_html, as_text
from grader.runner.children import LostError
from grader.runner.runner import MOST_LOST, PackedCalls, Run, Runner
from grader.session import Session
from grader.submission.find import Work
from grader.wire.calls import Call
from grader.wire.channel import ClosedError
from grader.wire.ended import Ended

CODE = "def f():\n    return 1"
CALLS = PackedCalls([Call("f")])


class Closed:
    """The channel to a process that has gone."""

    def send(self, *_: Any) -> None:
        raise ClosedError

    def close(self) -> None:
        pass


class Gone:
    """A child that never was."""

    channel: Any = Closed()

    def how_it_ended(self) -> Ended:
        return Ended.LOST

    def close(self) -> None:
        pass


@dataclass
class Failing:
    """Children of which the first few are lost, and then those of a runner that works."""

    working: Any
    left: int

    def start(self, limits: dict[str, Any]) -> Any:
        self.left -= 1
        return Gone() if self.left >= 0 else self.working.start(limits)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.working, name)


def run(session: Session, failures: int) -> Run:
    return Runner(children=Failing(session.runner._children, failures)).run([CODE], ["f"], CALLS)


def test_what_was_lost_is_run_again_and_counts_nothing(session: Session) -> None:
    assert run(session, MOST_LOST).outcomes[0].value == 1


def test_there_is_an_end_to_it(session: Session) -> None:
    with pytest.raises(LostError):
        run(session, MOST_LOST + 1)


def test_what_cannot_be_run_has_no_grade(session: Session, course: LocatedCourse, tmp_path: Path) -> None:
    path = tmp_path / f"{EXERCISE}.py"
    path.write_text(RIGHT, encoding="utf-8")
    report = Session(course, children=Failing(session.runner._children, 10**6)).grade(Work(path, "me"))
    assert (report.status, report.score, report.passed, report.percent) == ("not_graded", None, False, 0)
    for shown in (as_text(report), as_html(report)):
        assert "–/6" in shown
        assert "grade it again" in shown
    assert reports_from_json(f"[{json.dumps(report.to_json())}]")[0].score is None


@pytest.mark.slow
@pytest.mark.usefixtures("started_afresh")
def test_a_warm_parent_that_is_killed_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    written = "open('left', 'w').write('x')\nimport time\ntime.sleep(0.5)\n" + CODE
    with contextlib.closing(Runner(without=["bubblewrap"])) as runner:
        runner.layers()
        first = runner._children._process
        killer = threading.Thread(target=_kill_once_something_is_written, args=(tmp_path, first.pid))
        killer.start()
        assert runner.run([written], ["f"], CALLS).outcomes[0].value == 1
        killer.join()
        assert runner._children._process is not first
    assert list(tmp_path.iterdir()) == []


def _kill_once_something_is_written(folder: Path, pid: int) -> None:
    while not list(folder.rglob("left")):
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
