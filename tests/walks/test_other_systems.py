"""On macOS and Windows, as far as that can be seen here: tests again for which the grader finds what they have."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from helpers import ROOT

pytestmark = pytest.mark.slow

MARK = "pytest.mark.everywhere"
FEWEST = 40
"""Tests that are to be run again: that none is left out by mistake."""


@pytest.mark.skipif("AS_IF" in os.environ, reason="this is such a run")
@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_it_works_as_if_on(system: str) -> None:
    everywhere = [path for path in (ROOT / "tests").rglob("test_*.py") if MARK in path.read_text(encoding="utf-8")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "as_if", "-m", "everywhere", "-p", "no:cacheprovider", "-p", "no:xdist"]
        + sorted(map(str, everywhere)),
        cwd=ROOT,
        env={**os.environ, "AS_IF": system, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= FEWEST
