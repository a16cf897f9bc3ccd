"""What tests share: the course, a warm parent, graders of its exercises, and the command."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers import EXERCISE, ROOT, SYSTEM
from sharing import ByExercise, length
from typer.testing import CliRunner

from grader.cli.main import app
from grader.course.course import LocatedCourse, find_course
from grader.course.script import jupytext
from grader.desk.workspace import Workspace
from grader.grade import Grader
from grader.report.model import Report
from grader.session import Session
from grader.submission.reader import Submission

# nbgrader calls helper programs by name: they are where this Python is.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

# Operations in tests are small, and the other cores have tests of their own.
os.environ["OMP_NUM_THREADS"] = "1"

# The sandbox and forked children are Linux's: elsewhere, not even the modules that they are tested with are there.
collect_ignore_glob = [] if SYSTEM == "linux" else ["attacks/*", "sandbox/*", "runner/test_both_runners.py"]
if SYSTEM == "linux":
    from forked import started_afresh, torch_is_imported_once  # noqa: F401
else:

    @pytest.fixture(scope="module")
    def started_afresh() -> None:
        """Processes are always started as they are for people, here."""


def pytest_configure(config: pytest.Config) -> None:
    """All processes of a run, and the next run, share keys in pytest's cache: nobody's own are used.

    Nor is anybody's own progress, nor the language of whoever runs the tests.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    data = tempfile.TemporaryDirectory(prefix="attn-tests-data-")
    config.add_cleanup(data.cleanup)
    os.environ |= {"ATTN_DATA": data.name, "LC_ALL": "C.UTF-8"}
    os.environ.pop("ATTN_LANG", None)
    if config.pluginmanager.hasplugin("cacheprovider"):
        os.environ["XDG_CACHE_HOME"] = str(config.cache.mkdir("attn"))
    else:
        folder = tempfile.TemporaryDirectory(prefix="attn-tests-cache-")
        config.add_cleanup(folder.cleanup)
        os.environ["XDG_CACHE_HOME"] = folder.name


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=length)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByExercise:
    return ByExercise(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    return 2 * (os.cpu_count() or 1)  # many tests wait for something that is to end


@pytest.fixture(scope="session")
def course() -> LocatedCourse:
    return find_course(ROOT)


@pytest.fixture(scope="session")
def session(course: LocatedCourse) -> Iterator[Session]:
    with Session(course) as opened:
        yield opened


@pytest.fixture(scope="session")
def grader(session: Session) -> Grader:
    """The grader of scaled_dot_product_attention."""
    return session.grader(EXERCISE)


@pytest.fixture(scope="session")
def report_on(session: Session) -> Callable[[Path], Report]:
    """The report on one of ``tests/submissions``, which several tests look at: made once."""
    return lru_cache(maxsize=None)(lambda path: session.grader(path.parent.name).grade(path))


@pytest.fixture(scope="session")
def grade(session: Session) -> Callable[..., Report]:
    """Grade code given as text."""

    def graded(code: str, exercise: str = EXERCISE) -> Report:
        return session.grader(exercise).grade_cells(Submission(Path("<test>"), (code,)))

    return graded


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the progress of a learner who has done nothing yet."""
    monkeypatch.setenv("ATTN_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, course: LocatedCourse) -> Path:
    """An English workspace, to be copied."""
    jupytext()  # imports nbformat, too, without the slow part of it
    from grader.desk.start import fill

    folder = tmp_path_factory.mktemp("made") / "workspace"
    fill(Workspace(folder), course)
    return folder


@dataclass(frozen=True)
class Done:
    """What came of a command."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def attn(session: Session, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """The command, run in this process and with the warm parent that tests share: a new one of each imports torch.

    What it raises, the test raises, where a person would see a traceback. What can only be seen of a process of its
    own, tests start with `helpers.run_attn`.
    """
    monkeypatch.chdir(ROOT)
    idle = SimpleNamespace(begin=lambda: None, serves=lambda _: True)
    monkeypatch.setattr("grader.runner.suitable.suitable_children", lambda *_: idle)
    monkeypatch.setattr("grader.session.Session", lambda *_: nullcontext(session))

    def run(*arguments: str | Path) -> Done:
        done = CliRunner().invoke(app, list(map(str, arguments)))
        if not isinstance(done.exception, SystemExit | None):
            raise done.exception
        return Done(done.exit_code, done.stdout, done.stderr)

    return run


@pytest.fixture
def here(attn: Callable[..., Done], data: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The learner is in a workspace of their own."""
    shutil.copytree(made, tmp_path / "mine")
    monkeypatch.chdir(tmp_path / "mine")
    return tmp_path / "mine"
