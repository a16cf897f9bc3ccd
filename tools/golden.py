"""Writes the golden reports on submissions in tests/submissions anew, for a change of what is said that is wanted.

python tools/golden.py                     # every report that is kept; see with git diff what changed
python tools/golden.py SUBMISSION.py ...   # and the reports on these, from now on
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from helpers import SUBMISSIONS, as_golden, golden_file  # noqa: E402

from grader.course.course import find_course  # noqa: E402
from grader.session import Session  # noqa: E402


def main() -> None:
    """Write, and say how many differ from what was there."""
    kept = {path for path in SUBMISSIONS if golden_file(path).is_file()}
    wanted = sorted(kept | {Path(name).resolve() for name in sys.argv[1:]})
    changed = 0
    with Session(find_course(ROOT)) as session:
        for path in wanted:
            text, file = as_golden(session.grader(path.parent.name).grade(path)), golden_file(path)
            changed += not file.is_file() or file.read_text(encoding="utf-8") != text
            file.write_text(text, encoding="utf-8")
    print(f"{len(wanted)} reports, {changed} of them new or changed")


if __name__ == "__main__":
    main()
