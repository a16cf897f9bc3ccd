"""A terminal that lacks our marks, or Chinese, loses no report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import ROOT, environment

CASE = "tests/cases/A13_no_unicode/scaled_dot_product_attention.py"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoding", "language", "mark"), [("ascii", "zh", "x"), ("gbk", "en", "x"), ("utf-8", "en", "✗")]
)
def test_files_are_written_whatever_can_be_shown(tmp_path: Path, encoding: str, language: str, mark: str) -> None:
    report = tmp_path / "report.json"
    done = subprocess.run(
        [sys.executable, "-m", "grader", "grade", CASE, "--json", str(report), "--lang", language],
        cwd=ROOT,
        env={**environment(), "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    (found,) = json.loads(report.read_text(encoding="utf-8"))
    assert found["diagnosis"][0]["mistake"] == "no-scale"
    assert f"    {mark} " in done.stdout.decode(encoding)


def test_marks_have_plain_forms() -> None:
    code = "from grader.cli.screen import take_what_can_be_shown as take; take(); print('✓ √d →')"
    env = {**environment(), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, check=True)
    assert done.stdout == b"+ sqrtd ->\n"
