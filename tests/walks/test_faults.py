"""Whatever is killed, full or unreadable: no grade is lost, changed or half-written, and what went wrong is said."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import EXERCISE, RIGHT, ROOT, SYSTEM, WRONG, environment, run_attn

from grader.course.course import LocatedCourse
from grader.grade import Grader
from grader.report.model import Report
from grader.runner.runner import PackedCalls, Runner
from grader.session import Session
from grader.submission.find import find
from grader.submission.reader import Submission
from grader.wire.calls import Call

pytestmark = pytest.mark.slow

SLOW = f"import time\ntime.sleep(0.1)\n{RIGHT}"
COUNT = 16
Attn = Callable[..., Any]

LINUX = pytest.mark.skipif(SYSTEM != "linux", reason="looks for processes in /proc")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(COUNT):
        place = tmp_path / "class" / f"{number:02}"
        place.mkdir(parents=True)
        (place / f"{EXERCISE}.py").write_text(WRONG if number % 3 == 1 else SLOW, encoding="utf-8")
    return tmp_path / "class"


def grades(text: str) -> list[tuple[str, str, float]]:
    return [(report["submission"], report["status"], report["score"]) for report in json.loads(text)]


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    """Start the command in a process of its own, which hears of interrupts though these tests may run in the
    background, where a shell has them ignored."""
    return subprocess.Popen(
        [sys.executable, "-m", "grader", "grade", *map(str, arguments)],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def below(pid: int) -> list[int]:
    """Every process that comes of this one."""
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *below(child)]
    return found


class Killer:
    """Kills the warm parent once, while it runs a submission; or a child for every submission that is graded."""

    def __init__(self, session: Session, which: str) -> None:
        self.session, self.which = session, which
        self.killed = list[int]()
        self._allowed = threading.Semaphore()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._kill)

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._allowed.release()
        self._thread.join()

    def graded(self, _: Report) -> None:
        """A submission is through: with the next, a child may be killed again. Killed twice, it would be at fault."""
        if self.which == "child":
            self._allowed.release()

    def _kill(self) -> None:
        while self._allowed.acquire() and not self._over.is_set():
            while not self._over.is_set() and len(family := self._family()) < 2:
                self._over.wait(0.005)
            with contextlib.suppress(ProcessLookupError, IndexError):
                pid = family[1 if self.which == "child" else 0]
                os.kill(pid, signal.SIGKILL)
                self.killed.append(pid)

    def _family(self) -> list[int]:
        process = self.session.runner._children._process
        # Where bubblewrap is around it, the warm parent is what has the children.
        return [] if process is None else [pid for pid in [process.pid, *below(process.pid)] if _runs_python(pid)]


def _runs_python(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"grader.child.warm" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"bwrap")[0]
    return False


@LINUX
@pytest.mark.usefixtures("started_afresh")
@pytest.mark.parametrize("which", ["warm parent", "child"])
def test_killing_the_runner_changes_no_grade(course: LocatedCourse, folder: Path, which: str) -> None:
    work = find([folder]).work
    with Session(course) as session:
        session.grade(work[0])  # everything is loaded before the killer starts
        with Killer(session, which) as killer:
            reports = session.grade_all(work, workers=1 if which == "child" else 2, on_report=killer.graded)
    assert killer.killed
    for number, report in enumerate(reports):
        assert report.status == "graded"
        assert report.passed == (number % 3 != 1), (number, report.score, report.diagnosis)


@LINUX
@pytest.mark.parametrize("processes", [1, 2], ids=["while it starts", "while a submission runs"])
def test_killing_the_command_loses_nothing(attn: Attn, folder: Path, tmp_path: Path, processes: int) -> None:
    undisturbed = attn("grade", folder, "--json", "-").stdout
    report = tmp_path / "report.json"
    report.write_text("[]\n")
    running = start(folder, "--json", report)
    family = list[int]()
    while sum(_is_python(pid) for pid in family) < processes:
        assert running.poll() is None
        time.sleep(0.02)
        family = below(running.pid)
    running.kill()
    running.communicate()
    assert report.read_text() == "[]\n"  # the old report, or the new one: never half of one
    _all_end(family)
    assert attn("grade", folder, "--json", report).returncode == 0
    assert grades(report.read_text()) == grades(undisturbed)


def _is_python(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").startswith("python")
    return False


def _all_end(family: list[int]) -> None:
    deadline = time.monotonic() + 60
    while any(_alive(pid) for pid in family) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_alive(pid) for pid in family)


def _alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    return False


def _starts_something(pid: int) -> bool:
    return bool(below(pid))


def _imports_torch(pid: int) -> bool:
    return "libtorch_cpu" in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")


def _runs_a_submission(pid: int) -> bool:
    return sum(_is_python(found) for found in below(pid)) >= 2


@LINUX
@pytest.mark.parametrize("when", [_starts_something, _imports_torch, _runs_a_submission])
def test_an_interrupt_leaves_nothing_running(folder: Path, when: Callable[[int], bool]) -> None:
    # One that takes long: an interrupt while Python is shutting down anyway is another matter.
    (folder / "00" / f"{EXERCISE}.py").write_text(f"while True:\n    pass\n{RIGHT}", encoding="utf-8")
    running = start(folder, "--json", "-")
    while not when(running.pid):
        assert running.poll() is None
        time.sleep(0.02)
    family = below(running.pid)
    running.send_signal(signal.SIGINT)
    stdout, stderr = running.communicate(timeout=60)
    assert running.returncode == 130
    assert stdout == ""
    assert "Traceback" not in stderr
    _all_end(family)


def test_one_unreadable_file_of_every_kind_keeps_nobody_from_a_grade(attn: Attn, folder: Path) -> None:
    names = ("dangling", "fifo", "broken", "empty", "binary")
    for name in names:
        (folder / name).mkdir()
    notebook = f"{EXERCISE}.ipynb"
    (folder / "dangling" / notebook).symlink_to(folder / "nowhere")
    os.mkfifo(folder / "fifo" / notebook)
    (folder / "broken" / notebook).write_text('{"cells": [{"cell_type": "code", "source": ')
    (folder / "empty" / notebook).write_text("")
    (folder / "binary" / notebook).write_bytes(bytes(range(256)))
    done = attn("grade", folder, "--json", "-")
    assert done.returncode == 1
    reports = {Path(report["submission"]).parent.name: report for report in json.loads(done.stdout)}
    assert len(reports) == COUNT + len(names)
    for name in names:
        assert (reports[name]["status"], reports[name]["score"]) == ("invalid", 0)
        assert reports[name]["diagnosis"][0]["message"]
    assert all(reports[f"{number:02}"]["status"] == "graded" for number in range(COUNT))


@pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may open everything; see sandbox/test_dropped_user.py"
)
def test_a_folder_that_cannot_be_opened_is_said_not_to_be_graded(attn: Attn, folder: Path) -> None:
    closed = folder / "07"
    closed.chmod(0)
    try:
        done = attn("grade", folder, "--json", "-")
        inside = attn("grade", closed / f"{EXERCISE}.py", "--json", "-")
    finally:
        closed.chmod(0o755)
    assert done.returncode == 1
    assert f"1 of {COUNT} could not be graded" in done.stderr
    assert f"{closed}: The folder cannot be opened" in done.stderr
    assert sum(report["status"] == "graded" for report in json.loads(done.stdout)) == COUNT - 1
    assert inside.returncode == 2
    assert "Permission denied" in inside.stderr


@pytest.mark.skipif(SYSTEM != "linux", reason="needs /dev/full")
def test_a_full_disk_is_said_to_be_full(attn: Attn, folder: Path, tmp_path: Path) -> None:
    one = folder / "00"
    full = tmp_path / "report.json"
    full.symlink_to("/dev/full")
    done = attn("grade", one, "--json", full)
    assert done.returncode != 0
    assert "cannot be written" in done.stderr
    assert full.is_symlink()
    assert Path("/dev/full").is_char_device()


@pytest.mark.skipif(SYSTEM != "linux", reason="needs /dev/full")
def test_a_full_standard_output_is_an_error_without_a_traceback(folder: Path) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = run_attn("grade", folder / "00", "--json", "-", stdout=full)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


def test_a_report_goes_into_a_pipe(attn: Attn, folder: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = list[str]()
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    assert attn("grade", folder / "00", "--json", pipe).returncode == 0
    reader.join(timeout=60)
    assert read
    assert len(json.loads(read[0])) == 1
    assert pipe.is_fifo()


@pytest.mark.everywhere
def test_a_place_that_cannot_be_written_is_named(attn: Attn, folder: Path, tmp_path: Path) -> None:
    done = attn("grade", folder / "00", "--json", tmp_path)
    assert done.returncode == 1
    assert str(tmp_path) in done.stderr


NOISE = {
    "stderr": "import sys\nprint('6.0', file=sys.stderr)",
    "warning": "import warnings\nwarnings.warn('look')",
    "warnings as errors": "import warnings\nwarnings.simplefilter('error')",
    "SystemExit in a cell": "raise SystemExit(3)",
    "closed streams": "import sys\nsys.stdout.close()\nsys.stderr.close()",
    "closed descriptors": "import os\nos.close(1)\nos.close(2)",
    "exit hook": "import atexit, os\natexit.register(os._exit, 5)",
    "a megabyte printed": "print('x' * 2**20)",
    "recursion limit": "import sys\nsys.setrecursionlimit(80)",
    "default dtype": "import torch\ntorch.set_default_dtype(torch.float64)",
}


@pytest.mark.parametrize("name", NOISE)
def test_noise_beside_a_right_solution_changes_nothing(grader: Grader, name: str) -> None:
    for cells in ((NOISE[name], RIGHT), (RIGHT, NOISE[name])):
        report = grader.grade_cells(Submission(Path("x.py"), cells))
        assert report.passed, report.diagnosis


@pytest.mark.everywhere
def test_closing_twice_and_starting_again() -> None:
    runner, calls = Runner(), PackedCalls([Call("f")])
    for _ in range(2):
        assert runner.run(["def f():\n    return 1"], ["f"], calls).outcomes[0].value == 1
        runner.close()
        runner.close()
