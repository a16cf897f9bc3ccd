"""``check`` and ``hint`` in the learner's own kernel, with and without the instructor's side at hand."""

from __future__ import annotations

import shutil
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from helpers import RIGHT, ROOT, WRONG

from grader import check
from grader.course.course import LocatedCourse
from grader.kernel import CheckFailedError
from grader.report.model import Report

pytestmark = pytest.mark.everywhere


def function(code: str) -> types.FunctionType:
    scope: dict[str, types.FunctionType] = {}
    exec(code, scope)
    return scope["scaled_dot_product_attention"]


def test_right() -> None:
    result = check(function(RIGHT))
    assert result.passed
    assert result.score == 6


def test_same_verdict_as_the_sandbox(grade: Callable[..., Report]) -> None:
    here, there = check(function(WRONG)).report, grade(WRONG)
    assert [(c.name, c.passed) for c in here.checks] == [(c.name, c.passed) for c in there.checks]
    assert here.score == there.score
    assert here.diagnosis == there.diagnosis


def test_report_is_readable() -> None:
    result = check(function(WRONG))
    assert "1/√d" in repr(result).splitlines()[1]
    assert "1/√d" in result._repr_html_()


def test_html_is_escaped() -> None:
    code = RIGHT.replace("    scores", "    raise KeyError('<script>alert(1)</script>')\n    scores", 1)
    assert "<script" not in check(function(code))._repr_html_()


def test_strict_raises() -> None:
    with pytest.raises(CheckFailedError, match="1/√d"):
        check(function(WRONG), strict=True)
    check(function(RIGHT), strict=True)


def test_random_state_is_left_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    check(function(RIGHT))
    assert torch.equal(torch.rand(3), expected)


def test_what_cannot_be_checked_is_said() -> None:
    with pytest.raises(ValueError, match="No exercise asks for"):
        check(lambda: 0)
    with pytest.raises(ValueError, match="function or class itself"):
        check(5)


@pytest.mark.slow
def test_without_solutions_public_cases_still_name_the_mistake(tmp_path: Path, course: LocatedCourse) -> None:
    """A learner of a hosted course has the package and the notebooks, and nothing else."""
    shutil.copytree(ROOT / "grader", tmp_path / "grader", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(course.release("scaled_dot_product_attention").parent, tmp_path / "01-foundations")
    (tmp_path / "answer.py").write_text(WRONG, encoding="utf-8")
    script = (
        "from answer import scaled_dot_product_attention\nfrom grader import check, hint\n"
        "check(scaled_dot_product_attention)\nprint(hint('scaled_dot_product_attention'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path / "01-foundations",
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin", "ATTN_DATA": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "1/√d" in done.stdout
    assert "1/3" in done.stdout
