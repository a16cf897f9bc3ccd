"""On a machine that lacks something, what it lacks is said: nobody is graded wrongly, and there is no traceback."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from helpers import EXERCISE, RIGHT, ROOT, environment

from grader.course.course import LocatedCourse
from grader.runner import interpreter
from grader.runner.runner import PackedCalls, Runner
from grader.sandbox import of_process, why_not
from grader.session import Session
from grader.submission.reader import Submission
from grader.wire.calls import Call

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("started_afresh")]

RUNNERS = pytest.mark.parametrize("runner", ["fork", "spawn"])
WHERE = "import os\ndef where():\n    return os.path.realpath(os.getcwd())"
CHECKPOINTED = f"""
{RIGHT}
from torch.utils.checkpoint import checkpoint
attend = {EXERCISE}
def {EXERCISE}(q, k, v, mask=None):
    return checkpoint(attend, q, k, v, mask, use_reentrant=False)
"""


@pytest.fixture
def handed_in(tmp_path: Path) -> Path:
    (tmp_path / "ann").mkdir()
    path = tmp_path / "ann" / f"{EXERCISE}.py"
    path.write_text(RIGHT, encoding="utf-8")
    return path


def after(preparation: str, *arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """The command in a process that something was done to."""
    code = f"{preparation}\nfrom grader.cli.main import main\nmain()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def is_a_message(done: subprocess.CompletedProcess[str], said: str) -> bool:
    lines = done.stderr.strip().splitlines()
    return done.returncode in (1, 2) and len(lines) == 1 and said in lines[0] and not done.stdout


@RUNNERS
def test_the_folder_for_temporary_files_is_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner: str
) -> None:
    monkeypatch.setenv("ATTN_RUNNER", runner)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Runner(without=["bubblewrap"]) as running:
        (outcome,) = running.run([WHERE], ["where"], PackedCalls([Call("where")])).outcomes
    assert tmp_path.resolve() in Path(outcome.value).parents


@RUNNERS
def test_without_a_folder_for_temporary_files(handed_in: Path, monkeypatch: pytest.MonkeyPatch, runner: str) -> None:
    monkeypatch.setenv("ATTN_RUNNER", runner)
    none = "import tempfile; tempfile._candidate_tempdir_list = lambda: []"
    assert is_a_message(after(none, "grade", handed_in), "set TMPDIR")


def test_in_a_folder_that_has_been_deleted(tmp_path: Path, handed_in: Path) -> None:
    (tmp_path / "gone").mkdir()
    done = after("import os; os.rmdir(os.getcwd())", "grade", handed_in, cwd=tmp_path / "gone")
    assert is_a_message(done, "has been deleted")


@RUNNERS
@pytest.mark.parametrize("count", [12, 30])
def test_with_few_open_files(handed_in: Path, monkeypatch: pytest.MonkeyPatch, runner: str, count: int) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setenv("ATTN_RUNNER", runner)
    few = f"import resource; resource.setrlimit({resource.RLIMIT_NOFILE}, ({count}, {count}))"
    done = after(few, "grade", handed_in)
    if count == 30 or done.returncode == 0:
        assert done.stdout.startswith(f"{EXERCISE}: 6/6\n")
    else:
        assert is_a_message(done, "ulimit -n")


@pytest.mark.parametrize("library", ["nbgrader", "nbformat"])
def test_building_without_the_extra_says_what_to_install(library: str) -> None:
    refused = f"""
import sys
class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {library!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Refusing())
"""
    assert is_a_message(after(refused, "build", EXERCISE), '".[nbgrader]"')


@RUNNERS
def test_libraries_that_were_installed_without_being_compiled(
    course: LocatedCourse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner: str
) -> None:
    usual = interpreter._environment
    none = {"PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    monkeypatch.setattr(interpreter, "_environment", lambda: {**usual(), **none})
    monkeypatch.setenv("ATTN_RUNNER", runner)
    with Session(course) as session:
        report = session.grader(EXERCISE).grade_cells(Submission(Path("<test>"), (CHECKPOINTED,)))
    assert report.passed
    assert not report.notes
    assert not list(tmp_path.iterdir())


NO_LAYERS = "import grader.sandbox as sandbox; sandbox.of_process = lambda: ('rlimits',)"
"""As on macOS; the kind of processes that is used there asks for the layers in the process that starts them."""


@pytest.fixture
def spawning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTN_RUNNER", "spawn")


@pytest.mark.usefixtures("spawning")
def test_one_file_is_graded_without_a_sandbox_and_that_is_said(handed_in: Path) -> None:
    done = after(NO_LAYERS, "grade", handed_in)
    assert done.returncode == 0
    assert done.stdout.startswith(f"{EXERCISE}: 6/6\n")
    assert len(done.stderr.splitlines()) == 1
    assert "not kept from reading and changing your files or from using the network" in done.stderr
    assert after(NO_LAYERS, "grade", handed_in, "--no-sandbox").stderr == ""
    assert after("", "grade", handed_in).stderr == ""


@pytest.mark.usefixtures("spawning")
def test_the_doctor_says_what_follows_from_missing_layers() -> None:
    done = after(NO_LAYERS, "doctor")
    assert done.returncode == 0, done.stderr
    assert "an interpreter for each (ATTN_RUNNER asks for it)" in done.stdout
    assert "only with --no-sandbox: the sandbox lacks no_new_privs, landlock, seccomp\n" in done.stdout
    assert "a child that tries can read files of the system" in done.stdout
    assert "not kept from reading and changing your files" in done.stdout


def test_the_doctor_says_that_a_class_can_be_graded() -> None:
    if why_not(of_process()):
        pytest.skip("no whole sandbox here")
    done = after("", "doctor")
    assert done.returncode == 0, done.stdout
    assert "forked children" in done.stdout
    assert "✓ a child that tries to get out does not\n" in done.stdout
    assert "✓ folders of other people's work can be graded here\n" in done.stdout


@RUNNERS
def test_the_doctor_shows_why_no_process_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner: str) -> None:
    monkeypatch.setenv("ATTN_RUNNER", runner)
    (tmp_path / "torch.py").write_text('raise ImportError("libgomp.so.1: no such file")', encoding="utf-8")
    broken = f"import grader.isolated as i; i.folders_to_name = lambda: ({str(tmp_path)!r},)"
    done = after(broken, "doctor")
    assert done.returncode == 1
    assert "does not start. It says: ImportError: libgomp.so.1: no such file\n" in done.stdout
    assert "devices: cpu" in done.stdout
