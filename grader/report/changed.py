"""What one report says that the one before did not."""

from __future__ import annotations

from dataclasses import replace

from grader.report.model import Report


def what_changed(before: Report, now: Report) -> Report:
    """The later report without what the earlier one said already: the same diagnoses, checks and notes."""
    return replace(
        now,
        diagnosis=tuple(one for one in now.diagnosis if one not in before.diagnosis),
        checks=tuple(one for one in now.checks if one not in before.checks),
        notes=tuple(one for one in now.notes if one not in before.notes),
    )
