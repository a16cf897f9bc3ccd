"""Writes docs/report.schema.json anew: the JSON Schema of reports, made of the classes in grader/report/model.py."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from helpers import REPORT_SCHEMA, report_schema  # noqa: E402

if __name__ == "__main__":
    REPORT_SCHEMA.write_text(report_schema(), encoding="utf-8")
