"""Reports are written as docs/report.schema.json says, and read back as they were written."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from helpers import REPORT_SCHEMA, ROOT, report_schema

from grader.report.model import reports_from_json


@pytest.fixture
def written(attn: Callable[..., Any], tmp_path: Path) -> str:
    """What is written of four of the demonstration class: one right, one wrong, one not attempted, one not readable."""
    people = [ROOT / "demo/class" / name for name in ("bo", "chen", "hana", "kim")]
    attn("grade", *people, "--json", tmp_path / "reports.json")
    return (tmp_path / "reports.json").read_text(encoding="utf-8")


def test_what_is_read_is_what_was_written(written: str) -> None:
    reports = reports_from_json(written)
    assert [report.status for report in reports] == ["graded", "graded", "not_attempted", "invalid"]
    assert all(report.seconds == round(report.seconds, 4) for report in reports)
    for language in ("en", "zh"):
        again = [report.to_json(language) for report in reports]
        assert json.dumps(again, indent=1, ensure_ascii=False) + "\n" == written


@pytest.mark.skipif(
    f"pydantic=={version('pydantic')}\n" not in (ROOT / "constraints.txt").read_text(encoding="utf-8"),
    reason="another pydantic than the one of constraints.txt says the same in other words",
)
def test_the_schema_of_reports_is_kept() -> None:
    assert REPORT_SCHEMA.read_text(encoding="utf-8") == report_schema(), (
        "if this change is meant, say: python tools/report_schema.py"
    )


def test_the_schema_of_reports_is_true(written: str) -> None:
    jsonschema.validate(json.loads(written), json.loads(REPORT_SCHEMA.read_text(encoding="utf-8")))


def test_the_order_of_fields_stays(written: str) -> None:
    wrong = json.loads(written)[1]
    fields = "schema exercise submission status score max_score checks diagnosis notes environment seconds example"
    assert " ".join(wrong) == fields
    assert " ".join(wrong["checks"][0]) == "name family passed points max_points hidden message"
    assert " ".join(wrong["diagnosis"][0]) == "mistake family message"
    assert " ".join(wrong["environment"]) == "torch device grader sandbox"


def test_a_later_version_may_write_more_but_not_in_another_schema(written: str) -> None:
    fields = json.loads(written)
    fields[1]["rank"] = fields[1]["checks"][0]["rank"] = 1
    assert reports_from_json(json.dumps(fields)) == reports_from_json(written)
    fields[1]["schema"] = 2
    with pytest.raises(ValueError, match="schema"):
        reports_from_json(json.dumps(fields))


def test_what_is_nearly_a_report_is_none(written: str) -> None:
    fields = json.loads(written)
    fields[1]["score"] = str(fields[1]["score"])
    with pytest.raises(ValueError, match="score"):
        reports_from_json(json.dumps(fields))
