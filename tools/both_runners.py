"""Grades the same submissions in forked children and in interpreters of their own: the reports must be equal.

python tools/both_runners.py               # all that the tests have: an import of torch for each takes a while
python tools/both_runners.py SUBMISSION ...
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from helpers import SUBMISSIONS  # noqa: E402
from rich.progress import track  # noqa: E402
from runners import HANDED_IN, compared  # noqa: E402


def main() -> int:
    """Compare, and name what differs."""
    paths = [Path(name).resolve() for name in sys.argv[1:]] or [*HANDED_IN, *SUBMISSIONS]
    unequal = 0
    for path, different in track(compared(paths), "comparing", len(paths)):
        if different:
            unequal += 1
            print(f"{path.relative_to(ROOT)}: {different}")
    print(f"{unequal} of {len(paths)} reports differ")
    return int(unequal > 0)


if __name__ == "__main__":
    sys.exit(main())
