"""However the libraries were installed, submissions find them, in either kind of process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import venv
from pathlib import Path

import pytest
import torch
from helpers import EXERCISE, RIGHT, ROOT

pytestmark = pytest.mark.slow

RUNNERS = pytest.mark.parametrize("runner", ["fork", "spawn"])
INSTALLED = Path(torch.__file__).parents[1]
WITH_EINOPS = f"import einops\n{RIGHT}\ntransposed = einops.rearrange(torch.zeros(2, 3), 'a b -> b a')\n"


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A Python without any library."""
    venv.create(tmp_path / "bare", symlinks=os.name != "nt")
    return tmp_path / "bare" / ("Scripts" if os.name == "nt" else "bin") / "python"


def graded(python: Path, code: str, folder: Path, runner: str, **more: str) -> dict[str, object]:
    """The report on a submission, from a grader that another Python runs."""
    path = folder / f"{EXERCISE}.py"
    path.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [python, "-m", "grader", "grade", path, "--json", "-"],
        cwd=folder,
        env={**os.environ, "ATTN_RUNNER": runner, **more},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (report,) = json.loads(done.stdout)
    return report


def passes(report: dict[str, object]) -> bool:
    return report["score"] == report["max_score"] and not report.get("notes")


@RUNNERS
def test_libraries_that_lie_on_the_python_path(bare: Path, tmp_path: Path, runner: str) -> None:
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    for path in INSTALLED.iterdir():
        if path.name.startswith("einops"):
            shutil.copytree(path, libraries / path.name)  # imported by the submission only, from inside the sandbox
        elif not path.name.endswith((".pth", ".egg-link")):
            (libraries / path.name).symlink_to(path)
    places = os.pathsep.join([str(libraries), str(ROOT)])
    assert passes(graded(bare, WITH_EINOPS, tmp_path, runner, PYTHONPATH=places))
