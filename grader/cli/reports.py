"""Reports on a screen and in files."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from grader.cli.screen import shows_everything
from grader.desk.files import write_whole
from grader.report.model import Language, Report
from grader.report.render import escaped_json, in_a_line, print_report, summary_table


def show(reports: Sequence[Report], language: Language, own: bool = False) -> None:
    """One report in full, or many as a table; of the learner's own work, also the inputs of hidden cases."""
    console = Console()
    if len(reports) == 1:
        print_report(console, reports[0], language, own)
    else:
        console.print(summary_table(reports, language))


def list_ungraded(reports: Sequence[Report], language: Language) -> None:
    """Say on standard error which of several submissions could not be graded, and why."""
    ungraded = [report for report in reports if report.status in ("invalid", "not_graded")]
    if not ungraded or len(reports) == 1:
        return
    title = {
        "en": f"{len(ungraded)} of {len(reports)} could not be graded:",
        "zh": f"{len(reports)} 份中有 {len(ungraded)} 份无法评分：",
    }
    print(title[language], file=sys.stderr)
    for report in ungraded:
        reason = getattr(report.diagnosis[0].message, language)
        print(in_a_line(f"  {report.submission}: {reason}"), file=sys.stderr)


def write_json(reports: Sequence[Report], where: str, language: Language) -> str | None:
    """Write the JSON report to a file, or to standard output for ``-``; returns what kept it from being written."""
    escaped = where == "-" and not shows_everything()
    text = escaped_json(json.dumps([report.to_json(language) for report in reports], indent=1, ensure_ascii=escaped))
    try:
        if where == "-":
            print(text, flush=True)
        else:
            write_whole(Path(where), text + "\n")
    except OSError as error:
        if where == "-":
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left in the buffer cannot be written either
        place = "standard output" if where == "-" else where
        return f"The report cannot be written to {place}: {error.strerror}."
    return None
