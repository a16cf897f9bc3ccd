"""Entry point of the command."""

from __future__ import annotations

from grader.cli import build, diff, doctor, grade, verify
from grader.cli.app import app

__all__ = ["app", "build", "diff", "doctor", "grade", "main", "verify"]


def main() -> None:
    """Run the command that the arguments name."""
    app()
