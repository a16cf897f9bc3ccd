"""Draws docs/report.svg, the README's picture of a report. Run it again when reports look different.

python tools/picture.py
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from grader.course.course import find_course
from grader.report.model import Report
from grader.report.render import summary_table
from grader.session import Session
from grader.submission.find import find

ROOT = Path(__file__).resolve().parents[1]
SHOWN = "demo/class"
COLUMNS = 100


def picture_of(reports: Sequence[Report]) -> str:
    """The reports as a terminal shows them."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere)
        console.print(f"$ attn grade {SHOWN}", style="bold", highlight=False)
        console.print(summary_table(reports))
        drawn = console.export_svg(title="attn grade")
    return re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL)  # a picture that loads nothing from elsewhere


def main() -> None:
    """Grade the demonstration class, and draw what came of it."""
    with Session(find_course(ROOT)) as session:
        reports = session.grade_all(find([ROOT / SHOWN]).work)
    (ROOT / "docs" / "report.svg").write_text(picture_of(reports), encoding="utf-8")


if __name__ == "__main__":
    main()
