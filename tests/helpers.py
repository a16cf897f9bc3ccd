"""What tests import by name: where the repository is, its exercises, a right and a wrong solution."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

from grader.course.course import find_course

ROOT = Path(__file__).resolve().parents[1]
EXERCISE = "scaled_dot_product_attention"
RIGHT = (ROOT / "demo/class/bo/scaled_dot_product_attention.py").read_text(encoding="utf-8")
"""A right solution to scaled_dot_product_attention."""

WRONG = RIGHT.replace("/ math.sqrt(q.shape[-1])", "")
"""The same without the scale."""

EXERCISES = [entry.id for _, entry in find_course(ROOT).course.entries()]
SUBMISSIONS = sorted((ROOT / "tests/submissions").glob("*/*.py"))
"""Solutions written by others, from the text of the exercises alone."""


def environment() -> dict[str, str]:
    """For processes that use this checkout of the grader, whatever is installed."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def run_attn(
    *arguments: str | Path, cwd: Path = ROOT, stdout: int | IO[str] = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as a person runs it."""
    return subprocess.run(
        [sys.executable, "-m", "grader", *map(str, arguments)],
        cwd=cwd,
        env=environment(),
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
