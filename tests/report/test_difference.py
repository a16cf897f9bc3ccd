"""Two sets of reports are compared without what varies from run to run; what is left is named."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from grader.cli.main import app
from grader.report.difference import differences, without_varying

REPORT: dict[str, Any] = {
    "submission": "ann/x.py",
    "exercise": "x",
    "status": "graded",
    "score": 4.0,
    "max_score": 6.0,
    "checks": [{"name": "scale", "passed": False, "message": "…"}],
    "diagnosis": [{"mistake": "no-scale", "message": "divide by √d"}],
    "environment": {"torch": "2.13.0", "device": "cpu", "grader": "0.1.0", "sandbox": ["landlock"]},
    "seconds": 0.04,
}


def changed(**fields: Any) -> dict[str, Any]:
    return {**copy.deepcopy(REPORT), **fields}


def test_times_versions_and_layers_do_not_count() -> None:
    other = changed(seconds=9.0, environment={"torch": "2.6.0", "device": "cpu", "grader": "0.2.0", "sandbox": []})
    assert list(differences([REPORT], [other])) == []
    assert without_varying(REPORT)["environment"] == {"device": "cpu"}
    assert "seconds" in REPORT


def test_a_grade_and_a_sentence_are_told_apart() -> None:
    (graded,) = differences([REPORT], [changed(score=5.0)])
    assert (graded.change, graded.places) == ("graded otherwise", (("score", 4.0, 5.0),))
    (said,) = differences([REPORT], [changed(diagnosis=[{"mistake": "no-scale", "message": "scale by 1/√d"}])])
    assert (said.change, said.places[0][0]) == ("said otherwise", "diagnosis[0]['message']")


def test_what_came_and_went() -> None:
    added, removed = differences([changed(submission="b")], [changed(submission="a")])
    assert (added.submission, added.change) == ("a", "added")
    assert (removed.submission, removed.change) == ("b", "removed")


def test_the_command(tmp_path: Path) -> None:
    old, new, other = (tmp_path / name for name in ("old.json", "new.json", "other.json"))
    old.write_text(json.dumps([REPORT]))
    new.write_text(json.dumps([changed(seconds=1.0)]))
    other.write_text(json.dumps([changed(score=6.0)]))
    run = CliRunner().invoke
    assert run(app, ["diff", str(old), str(new)]).exit_code == 0
    found = run(app, ["diff", str(old), str(other)])
    assert found.exit_code == 1
    assert (
        "ann/x.py: graded otherwise\n    score: 4.0 → 6.0\n1 of 1 reports differ, 1 in their grade.\n" in found.stdout
    )


@pytest.mark.parametrize("text", ["{", "{}", "[1]"])
def test_what_is_no_report_is_a_usage_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    done = CliRunner().invoke(app, ["diff", str(path), str(path)])
    assert done.exit_code == 2
    assert "attn grade --json" in done.stderr
