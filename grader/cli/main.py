"""Entry point of the command."""

from __future__ import annotations

import os
import sys

from grader.cli import (
    build,
    demo,
    diff,
    doctor,
    exercise,
    grade,
    interview,
    learn,
    progress,
    review,
    start,
    verify,
    watch,
)
from grader.cli.app import app
from grader.cli.screen import take_what_can_be_shown

__all__ = [
    "app",
    "build",
    "demo",
    "diff",
    "doctor",
    "exercise",
    "grade",
    "interview",
    "learn",
    "main",
    "progress",
    "review",
    "start",
    "verify",
    "watch",
]


def main() -> None:
    """Run the command that the arguments name."""
    take_what_can_be_shown()
    try:
        os.getcwd()
    except OSError:
        sys.exit("The folder in which you are has been deleted; change into one that is there.")
    try:
        app()
    except OSError as error:
        from grader.runner.machine import what_is_lacking

        lacking = what_is_lacking(error)
        if lacking is None:
            raise
        sys.exit(lacking)
