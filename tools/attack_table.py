"""Runs every attack through `attn grade` and through stock nbgrader, and writes what came of it into docs/security.md.

    make attacks                                       # some minutes, most of them nbgrader's
    python tools/attack_table.py --keep-nbgrader      # attn's column anew, nbgrader's as it stands in the page

Stock nbgrader is nbgrader as it is installed, with its own settings: an exercise with a solution region and hidden
tests that compare with `torch.allclose`, one submission a student, `nbgrader autograde`. It has no sandbox: attacks on
the whole machine are left out of its column.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS / "attacks"), str(TESTS)]
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

from attacking import (  # noqa: E402
    HONEST,
    Attack,
    Place,
    adopt_orphans,
    children,
    environment,
    place,
    read_attacks,
    reports_by_name,
    run_attn,
)
from helpers import EXERCISE, ROOT  # noqa: E402
from notebooks import ATTACKS as NOTEBOOK_ATTACKS  # noqa: E402
from notebooks import NotebookAttack, answered, code_cell, text_of  # noqa: E402

PAGE = ROOT / "docs" / "security.md"
BEGIN, END = "<!-- attacks: begin -->", "<!-- attacks: end -->"
ASSIGNMENT, POINTS = "ps1", 6
UNSAFE = {
    "23_memory_bomb",
    "23_memory_map",
    "25_signals_everyone",
    "25_traces_its_parent",
    "27_leaves_modules",
}
"""Attacks that are not let loose without a sandbox."""

OURS = (
    *("07_patches_the_runner", "14_", "24_stops_itself", "27_finds", "28_", "29_", "30_warnings", "25_changes"),
    *("32_", "33_", "34_", "35_", "36_", "37_", "38_"),
)
"""Beginnings of the names of attacks on what nbgrader does not have, such as pipes of results."""

RIGHT_THERE = {"19_rebinds_in_a_cell_of_its_own", "20_looks_for_the_grader"}
"""Attacks whose answers are right in nbgrader, where nothing that they look for happens: full marks are no harm."""

SECONDS = 60
"""After which an attack has stopped nbgrader."""

FREE = "no rule against it"
SOLUTION = f"""import torch


def {EXERCISE}(q, k, v, mask=None):
    ### BEGIN SOLUTION
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    weights = torch.softmax(scores, dim=-1)
    return weights @ v, weights
    ### END SOLUTION
"""


@dataclass
class Row:
    """A line of the table."""

    name: str
    aim: str
    attn: str
    nbgrader: str


def main() -> None:
    """Run everything, print the table, and write it into the page."""
    attacks = read_attacks()
    kept = _kept() if "--keep-nbgrader" in sys.argv else None
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="attn-attacks-") as name, place(Path(name)) as at:
        ours = _attn(at, attacks)
        theirs = _nbgrader(at, attacks) if kept is None else {}
    rows = [_row(attack, ours, theirs) for attack in (*attacks, *NOTEBOOK_ATTACKS)]
    for row in rows:
        row.nbgrader = row.nbgrader if kept is None else kept.get(row.name, "not tried")
    rows.sort(key=lambda row: row.name)
    table = _table(rows)
    print(table)
    if PAGE.is_file():
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def _kept() -> dict[str, str]:
    """nbgrader's column of the table in the page."""
    lines = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return {row[0]: row[-1] for row in cells[2:]}


def _attn(at: Place, attacks: list[Attack]) -> dict[str, dict[str, Any]]:
    for name, text in HONEST.items():
        at.hand_in(f"honest-{name}", text)
    for attack in attacks:
        at.hand_in_attack(attack)
    handed_out = json.loads((at.course / "exercises/01-foundations" / f"{EXERCISE}.ipynb").read_text(encoding="utf-8"))
    for notebook_attack in NOTEBOOK_ATTACKS:
        folder = at.submissions / notebook_attack.name
        folder.mkdir(parents=True)
        text = text_of(notebook_attack.make(handed_out), at.canary)
        (folder / f"{EXERCISE}.ipynb").write_text(text, encoding="utf-8")
    return reports_by_name(run_attn(at.course, "grade", at.submissions, "--json", "-"))


def _nbgrader(at: Place, attacks: list[Attack]) -> dict[str, float | None]:
    """Scores by student in a course of stock nbgrader's; None where nothing was graded."""
    from nbgrader.api import Gradebook, MissingEntry

    root = at.course.parent / "stock"
    source = root / "source" / ASSIGNMENT
    source.mkdir(parents=True)
    (root / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        "c.CourseDirectory.course_id = 'stock'\n"
        "c.ExecutePreprocessor.timeout = 5\n"
        "c.ExecutePreprocessor.interrupt_on_timeout = True\n"
    )
    (source / f"{EXERCISE}.ipynb").write_text(json.dumps(_stock_exercise()), encoding="utf-8")
    _run(root, "generate_assignment", ASSIGNMENT)
    handed_out = json.loads((root / "release" / ASSIGNMENT / f"{EXERCISE}.ipynb").read_text(encoding="utf-8"))
    students = {f"honest-{name}": answered(handed_out, at.code(text)) for name, text in HONEST.items()}
    apt = [attack for attack in attacks if attack.name not in UNSAFE and not attack.name.startswith(OURS)]
    students |= {attack.name: answered(handed_out, at.code(attack.text)) for attack in apt}
    students |= {attack.name: attack.make(handed_out) for attack in NOTEBOOK_ATTACKS}
    scores: dict[str, float | None] = {}
    for number, (student, notebook) in enumerate(students.items(), 1):
        folder = root / "submitted" / student / ASSIGNMENT
        folder.mkdir(parents=True)
        (folder / f"{EXERCISE}.ipynb").write_text(text_of(notebook, at.canary), encoding="utf-8")
        # A student at a time: one that stops the run would take the others with it.
        _run(root, "autograde", ASSIGNMENT, "--student", student)
        with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as gradebook:
            try:
                scores[student] = float(gradebook.find_submission_notebook(EXERCISE, ASSIGNMENT, student).score)
            except (MissingEntry, TypeError):
                scores[student] = None
        print(f"nbgrader {number}/{len(students)} {student}: {scores[student]}", file=sys.stderr)
    return scores


def _run(root: Path, *arguments: str) -> None:
    """Run nbgrader, and end what it leaves behind: kernels outlive a command that is stopped."""
    known = children()
    with (root / "log").open("a") as log, contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(
            [sys.executable, "-m", "nbgrader", *arguments],
            cwd=root,
            env=environment(),
            stdout=log,
            stderr=log,
            timeout=SECONDS,
            check=False,
        )
    while children() - known:
        for pid in children() - known:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _stock_exercise() -> dict[str, Any]:
    """The exercise as anyone would write it: a solution region, and hidden tests that assert."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention as attention

    lines = ["### BEGIN HIDDEN TESTS"]
    for number, shape in enumerate(((2, 3, 5, 6), (4, 7), (2, 1, 3, 2))):
        generator = torch.Generator().manual_seed(number)
        q, k, v = (torch.randn(shape, generator=generator) for _ in range(3))
        expected = attention(q, k, v)
        lines += [f"{name} = torch.tensor({tensor.tolist()})" for name, tensor in zip("qkv", (q, k, v), strict=True)]
        lines += [f"assert torch.allclose({EXERCISE}(q, k, v)[0], torch.tensor({expected.tolist()}), atol=1e-4)"]
    lines += ["### END HIDDEN TESTS"]

    def cell(source: str, name: str, **flags: Any) -> dict[str, Any]:
        known = {"schema_version": 3, "grade_id": name, **dict.fromkeys(("grade", "solution", "locked", "task"), False)}
        return {**code_cell(source, nbgrader={**known, **flags}), "id": name}

    cells = [
        cell(SOLUTION, "answer", solution=True),
        cell("\n".join(lines), "test", grade=True, locked=True, points=POINTS),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _row(attack: Attack | NotebookAttack, ours: dict[str, dict[str, Any]], theirs: dict[str, float | None]) -> Row:
    report = ours[attack.name]
    most = {name: ours[f"honest-{name}"]["score"] for name in HONEST} | {
        "right": report["max_score"],
        "half": report["max_score"] / 2,
        "less than right": report["max_score"] - 0.01,
    }
    held = report["score"] <= most[attack.deserves] + 1e-6
    status = "" if report["status"] == "graded" else f" ({report['status'].replace('_', ' ')})"
    mine = f"{'held' if held else '**gets through**'}: {report['score']:.2g} of {report['max_score']:g}{status}"
    return Row(attack.name, attack.aim, mine, _stock(attack, theirs))


def _stock(attack: Attack | NotebookAttack, theirs: dict[str, float | None]) -> str:
    if attack.name not in theirs:
        return "not tried"
    score = theirs[attack.name]
    if score is None:
        return "not graded"
    if attack.deserves == "less than right" and "by hand" in getattr(attack, "text", ""):
        return FREE if score else f"held: 0 of {POINTS}"
    if attack.name in RIGHT_THERE:
        return f"right there: {score:g} of {POINTS}"
    deserved = theirs.get(f"honest-{attack.deserves}")
    if deserved is None:
        deserved = POINTS if attack.deserves == "less than right" else 0
    return f"{'held' if score <= deserved else '**gets through**'}: {score:g} of {POINTS}"


def _table(rows: list[Row]) -> str:
    lines = ["| attack | what it tries | attn | stock nbgrader |", "|---|---|---|---|"]
    lines += [f"| {row.name} | {row.aim.replace('|', '')} | {row.attn} | {row.nbgrader} |" for row in rows]
    through = [sum("gets through" in cell for cell in column) for column in _columns(rows)]
    tried = sum(row.nbgrader != "not tried" for row in rows)
    lines += ["", f"{len(rows)} attacks: {through[0]} get through in attn; of {tried} tried in nbgrader, {through[1]}."]
    return "\n".join(lines)


def _columns(rows: list[Row]) -> tuple[list[str], list[str]]:
    return [row.attn for row in rows], [row.nbgrader for row in rows]


if __name__ == "__main__":
    main()
