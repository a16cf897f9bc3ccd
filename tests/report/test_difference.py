"""Two sets of reports are compared without what varies from run to run; what is left is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from grader.cli.main import app
from grader.report.difference import differences, without_varying
from grader.report.model import Check, Diagnosis, Environment, Report
from grader.text import Text

REPORT = Report(
    exercise="x",
    submission="ann/x.py",
    status="graded",
    score=4.0,
    max_score=6.0,
    checks=(
        Check(
            Text("scale", "scale"),
            "scaling",
            passed=False,
            points=0.0,
            max_points=2.0,
            hidden=False,
            message=Text("…", "…"),
        ),
    ),
    diagnosis=(Diagnosis("no-scale", "scaling", Text("divide by √d", "除以 √d")),),
    environment=Environment("2.13.0", "cpu", "0.1.0", ("landlock",)),
    seconds=0.04,
)


def test_times_versions_and_layers_do_not_count() -> None:
    other = replace(REPORT, seconds=9.0, environment=Environment("2.6.0", "cpu", "0.2.0"))
    assert list(differences([REPORT], [other])) == []
    written = REPORT.to_json()
    assert without_varying(written)["environment"] == {"device": "cpu"}
    assert "seconds" in written


def test_a_grade_and_a_sentence_are_told_apart() -> None:
    (graded,) = differences([REPORT], [replace(REPORT, score=5.0)])
    assert (graded.change, graded.places) == ("graded otherwise", (("score", 4.0, 5.0),))
    otherwise = replace(REPORT.diagnosis[0], message=Text("scale by 1/√d", "乘以 1/√d"))
    (said,) = differences([REPORT], [replace(REPORT, diagnosis=(otherwise,))])
    assert (said.change, said.places[0][0]) == ("said otherwise", "diagnosis[0]['message']")


def test_what_came_and_went() -> None:
    added, removed = differences([replace(REPORT, submission="b")], [replace(REPORT, submission="a")])
    assert (added.submission, added.change) == ("a", "added")
    assert (removed.submission, removed.change) == ("b", "removed")


def test_the_command(tmp_path: Path) -> None:
    old, new, other = (tmp_path / name for name in ("old.json", "new.json", "other.json"))
    for path, report in ((old, REPORT), (new, replace(REPORT, seconds=1.0)), (other, replace(REPORT, score=6.0))):
        path.write_text(json.dumps([report.to_json()]))
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
