"""``check`` in a kernel, nbgrader's autograde with our step, and `attn grade` say the same of the same definitions."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from helpers import EXERCISES, ROOT, environment

from grader import nbgrader_plugin
from grader.session import Session
from grader.submission.decoding import decode
from grader.submission.find import Work

pytestmark = pytest.mark.slow

CASES = ROOT / "tests" / "cases"
NAMES = """A02a A02c A02d A03a A04a A05a A05c A06a A07a A08a A10a A11a n01a n01c n02a n03a n03d n04a n07a n08"""
"""Notebooks that a kernel runs to their ends: none in which it stops at a statement that fails."""

IN_A_KERNEL = """
import contextlib, io, json, sys
from IPython.core.interactiveshell import InteractiveShell
from grader import check

shell = InteractiveShell.instance()
shell.system = lambda *_: None
shell.getoutput = lambda *_, **__: []
verdicts = {}
for path in sys.argv[1:]:
    shell.reset()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for cell in json.load(open(path, encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                shell.run_cell("".join(cell["source"]), store_history=True)
        exercise = path.rsplit("/", 1)[-1].removesuffix(".ipynb")
        report = check(shell.user_ns, exercise=exercise).report
    verdicts[path] = [report.score, [found.name for found in report.checks if not found.passed]]
print(json.dumps(verdicts))
"""


def notebooks() -> list[Path]:
    return [next(CASES.glob(f"{name}_*")) for name in NAMES.split()]


@pytest.fixture(scope="module")
def in_a_kernel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    paths = [str(next(folder.glob("*.ipynb"))) for folder in notebooks()]
    done = subprocess.run(
        [sys.executable, "-c", IN_A_KERNEL, *paths],
        cwd=tmp_path_factory.mktemp("kernel"),
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {Path(path).parent.name: verdict for path, verdict in found.items()}


@pytest.mark.parametrize("folder", notebooks(), ids=lambda folder: folder.name)
def test_the_same_score_and_the_same_checks(session: Session, in_a_kernel: dict[str, Any], folder: Path) -> None:
    report = session.grade(Work(next(folder.glob("*.ipynb")), folder.name))
    assert in_a_kernel[folder.name] == [report.score, [check.name.en for check in report.checks if not check.passed]]


def accepted() -> list[Path]:
    """Notebooks that nbgrader itself can read, named for an exercise; without those that wait."""
    found = [path for path in sorted(CASES.glob("*/*.ipynb")) if path.stem in EXERCISES]
    return [path for path in found if not path.parent.name.startswith(("C06", "A09", "n05"))]


@pytest.mark.parametrize("path", accepted(), ids=lambda path: path.parent.name)
def test_nbgraders_step_gives_the_same_report(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: Path
) -> None:
    monkeypatch.setattr(nbgrader_plugin, "_session", lambda: session)
    notebook = nbformat.reads(decode(path.read_bytes()), as_version=4)
    resources: dict[str, Any] = {"nbgrader": {"notebook": path.stem}, "metadata": {"path": str(tmp_path)}}
    nbgrader_plugin.GradeWithoutKernel(require_sandbox=False).preprocess(notebook, resources)
    theirs, mine = resources["attention_workshop"], session.grade(Work(path, path.name))
    assert (theirs.score, theirs.status, theirs.checks) == (mine.score, mine.status, mine.checks)
    assert theirs.diagnosis == mine.diagnosis
