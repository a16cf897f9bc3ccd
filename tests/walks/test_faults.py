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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import EXERCISE, RIGHT, ROOT, WRONG

from grader.course.course import LocatedCourse
from grader.grade import Grader
from grader.runner.pool import WarmParent
from grader.session import Session
from grader.submission.find import find_work
from grader.submission.reader import Submission

SLOW = f"import time\ntime.sleep(0.2)\n{RIGHT}"
COUNT = 16

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(COUNT):
        place = tmp_path / "class" / f"{number:02}"
        place.mkdir(parents=True)
        (place / f"{EXERCISE}.py").write_text(WRONG if number % 3 == 1 else SLOW, encoding="utf-8")
    return tmp_path / "class"


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "grader", "grade", *map(str, arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def attn(*arguments: str | Path, stdout: Any = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env=environment(),
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


def grades(text: str) -> list[tuple[str, str, float]]:
    return [(report["submission"], report["status"], report["score"]) for report in json.loads(text)]


def below(pid: int) -> list[int]:
    """Every process that comes of this one."""
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *below(child)]
    return found


@contextlib.contextmanager
def killing(session: Session, which: int, pause: float) -> Iterator[list[int]]:
    """Kill the warm parent (0) or whichever child there is (1), every so often."""
    over, killed = threading.Event(), list[int]()

    def keep_killing() -> None:
        while not over.wait(pause):
            process = session.runner._process
            if process is None:
                continue
            # Where bubblewrap is around it, the warm parent is what has the children.
            family = [pid for pid in [process.pid, *below(process.pid)] if _runs_python(pid)]
            if len(family) > which:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(family[which], signal.SIGKILL)
                    killed.append(family[which])
                if which == 0:
                    break  # a new one takes a second to start

    thread = threading.Thread(target=keep_killing)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def _runs_python(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"grader.child.warm" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"bwrap")[0]
    return False


@LINUX
@pytest.mark.parametrize(("which", "pause"), [(0, 0.5), (1, 0.4)], ids=["warm parent", "child"])
def test_killing_the_runner_changes_no_grade(course: LocatedCourse, folder: Path, which: int, pause: float) -> None:
    work = find_work([folder])
    with Session(course) as session:
        session.grade(work[0])  # everything is loaded before the clock of the killer starts
        with killing(session, which, pause) as killed:
            reports = session.grade_all(work)
    assert killed
    for number, report in enumerate(reports):
        assert report.status == "graded"
        assert report.passed == (number % 3 != 1), (number, report.score, report.diagnosis)


@LINUX
@pytest.mark.parametrize("processes", [1, 2], ids=["while it starts", "while a submission runs"])
def test_killing_the_command_loses_nothing(folder: Path, tmp_path: Path, processes: int) -> None:
    undisturbed = attn(folder, "--json", "-").stdout
    report = tmp_path / "report.json"
    report.write_text("[]\n")
    running = subprocess.Popen(
        command(folder, "--json", report), cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL
    )
    family = list[int]()
    end = time.monotonic() + 60
    while sum(_is_python(pid) for pid in family) < processes and time.monotonic() < end:
        time.sleep(0.02)
        family = below(running.pid)
    assert family
    assert running.poll() is None
    running.kill()
    running.wait()
    assert report.read_text() == "[]\n"  # the old report, or the new one: never half of one
    _all_end(family)
    assert attn(folder, "--json", report).returncode == 0
    assert grades(report.read_text()) == grades(undisturbed)


def _is_python(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().startswith("python")
    return False


def _all_end(family: list[int]) -> None:
    deadline = time.monotonic() + 10
    while any(_alive(pid) for pid in family) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_alive(pid) for pid in family)


def _alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.parametrize("later", [0.0, 0.5, 2.0])
def test_an_interrupt_leaves_nothing_running(folder: Path, later: float) -> None:
    # One that takes long: an interrupt while Python is shutting down anyway is another matter.
    (folder / "00" / f"{EXERCISE}.py").write_text(f"import time\ntime.sleep(8)\n{RIGHT}", encoding="utf-8")
    running = subprocess.Popen(
        command(folder, "--json", "-"),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 60
    while not below(running.pid) and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(later)
    family = below(running.pid)
    running.send_signal(signal.SIGINT)
    stdout, stderr = running.communicate(timeout=10)
    assert running.returncode == 130
    assert stdout == ""
    assert "Traceback" not in stderr
    _all_end(family)


def test_one_unreadable_file_of_every_kind_keeps_nobody_from_a_grade(folder: Path) -> None:
    names = ("dangling", "fifo", "broken", "empty", "binary")
    for name in names:
        (folder / name).mkdir()
    notebook = f"{EXERCISE}.ipynb"
    (folder / "dangling" / notebook).symlink_to(folder / "nowhere")
    os.mkfifo(folder / "fifo" / notebook)
    (folder / "broken" / notebook).write_text('{"cells": [{"cell_type": "code", "source": ')
    (folder / "empty" / notebook).write_text("")
    (folder / "binary" / notebook).write_bytes(bytes(range(256)))
    done = attn(folder, "--json", "-")
    assert done.returncode == 1
    reports = {Path(report["submission"]).parent.name: report for report in json.loads(done.stdout)}
    assert len(reports) == COUNT + len(names)
    for name in names:
        assert (reports[name]["status"], reports[name]["score"]) == ("invalid", 0)
        assert reports[name]["diagnosis"][0]["message"]
    assert all(reports[f"{number:02}"]["status"] == "graded" for number in range(COUNT))


@pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may open everything; see attacks/test_dropped_user.py"
)
def test_a_folder_that_cannot_be_opened_is_said_not_to_be_graded(folder: Path) -> None:
    closed = folder / "07"
    closed.chmod(0)
    try:
        done = attn(folder, "--json", "-")
        inside = attn(closed / f"{EXERCISE}.py", "--json", "-")
    finally:
        closed.chmod(0o755)
    assert done.returncode == 1
    assert f"1 of {COUNT} could not be graded" in done.stderr
    assert f"{closed}: The folder cannot be opened" in done.stderr
    assert sum(report["status"] == "graded" for report in json.loads(done.stdout)) == COUNT - 1
    assert inside.returncode == 2
    assert "Permission denied" in inside.stderr
    assert "Traceback" not in inside.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_a_full_disk_is_said_to_be_full(folder: Path, tmp_path: Path) -> None:
    one = folder / "00"
    full = tmp_path / "report.json"
    full.symlink_to("/dev/full")
    done = attn(one, "--json", full)
    assert done.returncode != 0
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert full.is_symlink()
    assert Path("/dev/full").is_char_device()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_a_full_standard_output_is_an_error_without_a_traceback(folder: Path) -> None:
    with open("/dev/full", "w") as full:
        done = attn(folder / "00", "--json", "-", stdout=full)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


def test_a_report_goes_into_a_pipe(folder: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = list[str]()
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    assert attn(folder / "00", "--json", pipe).returncode == 0
    reader.join(timeout=10)
    assert read
    assert len(json.loads(read[0])) == 1
    assert pipe.is_fifo()


def test_a_place_that_cannot_be_written_is_named(folder: Path, tmp_path: Path) -> None:
    done = attn(folder / "00", "--json", tmp_path)
    assert done.returncode == 1
    assert str(tmp_path) in done.stderr
    assert "Traceback" not in done.stderr


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


def test_closing_twice_and_starting_again(course: LocatedCourse) -> None:
    runner = WarmParent()
    assert runner.layers()
    runner.close()
    runner.close()
    assert runner.layers()
    runner.close()
