"""Entry point of the command."""

from __future__ import annotations

from grader.cli import build, demo, diff, doctor, grade, verify
from grader.cli.app import app
from grader.cli.screen import take_what_can_be_shown

__all__ = ["app", "build", "demo", "diff", "doctor", "grade", "main", "verify"]


def main() -> None:
    """Run the command that the arguments name."""
    take_what_can_be_shown()
    app()
