"""Says what lay in the folders that was not graded, so that nobody's work is missed without a word."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from grader.report.model import Language
from grader.report.render import in_a_line
from grader.submission.find import PassedOver
from grader.text import Text

SHOWN = 20
"""How many are named; all are counted."""


def list_passed_over(passed_over: Sequence[PassedOver], language: Language) -> None:
    """Count and name them on standard error, each with its reason; nothing where there are none."""
    if not passed_over:
        return
    count = len(passed_over)
    title = Text(f"{count} more in these folders, not graded:", f"文件夹中另有 {count} 项没有评分：")
    print(getattr(title, language), file=sys.stderr)
    for item in passed_over[:SHOWN]:
        print(in_a_line(f"  {item.path}: {getattr(item.reason, language)}"), file=sys.stderr)
    if count > SHOWN:
        print("  …", file=sys.stderr)
