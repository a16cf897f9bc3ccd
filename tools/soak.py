"""Grades a class of which a tenth is hostile, in every way of the attack suite at once, and counts what is left over.

    make soak                        # 2,000 submissions; writes its table into docs/security.md
    python tools/soak.py --size 300  # fewer: it prints the table, and writes nothing

Honest submissions are right solutions in different styles; each has to get full marks. The order is random, with a
fixed seed. The exit status is 1 where an honest one lost marks, an attack earned more than it deserves, or something
was left over.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS / "attacks"), str(TESTS)]

from attacking import HONEST, Attack, Place, adopt_orphans, children, gone, place, read_attacks  # noqa: E402
from helpers import EXERCISE, ROOT  # noqa: E402

from grader.course.course import find_course  # noqa: E402
from grader.report.model import Report  # noqa: E402
from grader.session import Session  # noqa: E402
from grader.submission.find import Work  # noqa: E402

PAGE = ROOT / "docs" / "security.md"
BEGIN, END = "<!-- soak: begin -->", "<!-- soak: end -->"
FULL_SIZE, HOSTILE, SEED = 2_000, 0.1, 20_261_129
FLAT = 1.15
"""By what factor memory may grow from a quarter of the way to the end."""


@dataclass
class Soak:
    """A class, and what came of it."""

    attacks: dict[str, Attack] = field(default_factory=dict)
    """By the names of the folders that they were handed in from."""
    reports: dict[str, Report] = field(default_factory=dict)
    memory: list[int] = field(default_factory=list)
    """Of the grader's process, in bytes, after each submission."""
    seconds: float = 0.0
    processes_left: int = 0
    files_left: int = 0
    descriptors_left: int = 0


def main() -> int:
    """Run it, print the table, and write it into the page where it is the whole soak."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=FULL_SIZE)
    size = parser.parse_args().size
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="attn-soak-") as name, place(Path(name)) as at:
        temporary = Path(name) / "tmp"
        temporary.mkdir()
        tempfile.tempdir = os.environ["TMPDIR"] = str(temporary)
        soak = Soak()
        _grade(at, soak, _handed_in(at, soak, size))
        soak.files_left = sum(1 for _ in temporary.rglob("*"))
        tempfile.tempdir = None
    rows, sound = _rows(soak)
    table = "\n".join(["| | |", "|---|---|", *(f"| {what} | {found} |" for what, found in rows)])
    print(table)
    if size == FULL_SIZE:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    return 0 if sound else 1


def _handed_in(at: Place, soak: Soak, size: int) -> list[Work]:
    rand = random.Random(SEED)
    known = read_attacks()
    chosen = [attack for _ in range(size) for attack in rand.sample(known, len(known))][: round(size * HOSTILE)]
    styles = [path.read_text(encoding="utf-8") for path in _right_solutions()]
    everything: list[Attack | str] = [*chosen, *(rand.choice(styles) for _ in range(size - len(chosen)))]
    rand.shuffle(everything)
    work = [Work(at.hand_in(f"honest-{name}", text), f"honest-{name}") for name, text in HONEST.items()]
    for number, one in enumerate(everything):
        name = f"{number:05}"
        if isinstance(one, Attack):
            soak.attacks[name] = one
            path = at.hand_in(name, one.text, one.exercise)
        else:
            path = at.submissions / name / f"{EXERCISE}.py"
            path.parent.mkdir(parents=True)
            path.write_text(one, encoding="utf-8")
        work.append(Work(path, name))
    return work


def _right_solutions() -> list[Path]:
    return sorted((TESTS / "submissions" / EXERCISE).glob("right_*.py"))


def _grade(at: Place, soak: Soak, work: list[Work]) -> None:
    known, descriptors = children(), _descriptors()
    started = time.perf_counter()
    with Session(find_course(at.course)) as session:

        def note(report: Report) -> None:
            soak.reports[report.submission] = report
            soak.memory.append(_resident())
            print(f"\r{len(soak.reports)}/{len(work)}", end="", file=sys.stderr)

        session.grade_all(work, on_report=note)
        soak.seconds = time.perf_counter() - started
    print(file=sys.stderr)
    gone(known)
    soak.processes_left = len(children() - known)
    soak.descriptors_left = len(_descriptors() - descriptors)


def _rows(soak: Soak) -> tuple[list[tuple[str, str]], bool]:
    marks = {name: soak.reports[f"honest-{name}"].score or 0.0 for name in HONEST}
    honest = [report for name, report in soak.reports.items() if name.isdigit() and name not in soak.attacks]
    lost = [report for report in honest if report.score != report.max_score]
    earned = [name for name, attack in soak.attacks.items() if _too_much(attack, soak.reports[name], marks)]
    for report in lost:
        print(f"{report.submission}: {report.status}, {report.score}: {report.diagnosis}", file=sys.stderr)
    for name in earned:
        print(f"{name}: {soak.attacks[name].name} got {soak.reports[name].score}", file=sys.stderr)
    quarter, end = soak.memory[len(soak.memory) // 4], soak.memory[-1]
    ways = len({attack.name for attack in soak.attacks.values()})
    rows = [
        ("submissions", f"{len(honest) + len(soak.attacks):,}, of which {len(soak.attacks)} hostile, in {ways} ways"),
        ("honest ones with full marks", f"{len(honest) - len(lost):,} of {len(honest):,}"),
        ("attacks that earned more than they deserve", f"{len(earned)}"),
        ("without a grade, by a fault of the grader's", f"{sum(r.score is None for r in soak.reports.values())}"),
        ("processes left over", f"{soak.processes_left}"),
        ("files left over", f"{soak.files_left}"),
        ("descriptors left over", f"{soak.descriptors_left}"),
        ("memory of the grader's process after a quarter, at the end", f"{quarter >> 20} MB, {end >> 20} MB"),
        ("time", f"{soak.seconds:.0f} s on {os.cpu_count()} cores"),
    ]
    left = soak.processes_left or soak.files_left or soak.descriptors_left
    return rows, not lost and not earned and not left and end < FLAT * quarter


def _too_much(attack: Attack, report: Report, marks: dict[str, float]) -> bool:
    full = report.max_score
    most = {**marks, "right": full, "half": full / 2, "less than right": full - 0.01}[attack.deserves]
    return "open" not in attack.says and (report.score or 0.0) > most + 1e-6


def _descriptors() -> set[str]:
    """Those that are open, but for the one that this takes."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found.add(f"{name} {os.readlink(f'/proc/self/fd/{name}')}")
    return found


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    sys.exit(main())
