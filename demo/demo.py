"""Grades the small class in demo/class: right in two styles, wrong in five ways, and what else is handed in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from grader.sandbox import available, why_not

CLASS = Path("demo/class")

NEXT = """
Two things to try next:
  make lab                                        solve the exercises in Jupyter; check(...) says what is wrong
  .venv/bin/attn grade demo/class/chen            one submission, with every check (see `attn --help` for the rest)
"""


def main() -> int:
    """Run the demonstration from the repository's root."""
    command = [sys.executable, "-m", "grader", "grade", str(CLASS)]
    if why_not(available()):
        print("This system lacks a layer of the sandbox (`attn doctor` says which); the demo's own code is trusted.")
        command.append("--no-sandbox")
    status = subprocess.run(command, check=False).returncode
    print(NEXT)
    return 0 if status == 1 else status  # 1 says that something could not be graded: one notebook here is broken


if __name__ == "__main__":
    sys.exit(main())
