"""Measures, in one run on one machine, what the README states: ratios, medians of several runs.

make bench
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import torch

from grader.course.course import find_course
from grader.grade import Grader
from grader.runner.runner import PackedCalls, Runner
from grader.sandbox import LAYERS
from grader.session import Session
from grader.submission.find import Work
from grader.submission.reader import Submission

ROOT = Path(__file__).resolve().parents[1]
EXERCISE = "scaled_dot_product_attention"
RIGHT = (ROOT / "demo/class/bo/scaled_dot_product_attention.py").read_text(encoding="utf-8")
NOTEBOOKS = 40
STOCK_TEST = """
import torch.nn.functional as F
q, k, v = torch.randn(2, 3, 5, 6), torch.randn(2, 3, 7, 6), torch.randn(2, 3, 7, 4)
assert torch.allclose(scaled_dot_product_attention(q, k, v)[0], F.scaled_dot_product_attention(q, k, v), atol=1e-5)
"""


def median_seconds(action: Callable[[], object], runs: int) -> float:
    """The median of several runs, after one that is not counted."""
    action()
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def solved_notebook() -> str:
    """The notebook as handed out, with a right solution in it."""
    notebook = json.loads((ROOT / f"exercises/01-foundations/{EXERCISE}.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == f"{EXERCISE}-solution":
            cell["source"] = RIGHT
    return json.dumps(notebook)


def seconds_of_attn(folder: Path) -> float:
    """Seconds a submission of a folder of notebooks, once warm."""
    for number in range(NOTEBOOKS):
        path = folder / f"student{number:02}" / f"{EXERCISE}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(solved_notebook(), encoding="utf-8")
    work = [Work(path, str(path)) for path in sorted(folder.rglob("*.ipynb"))]
    with Session(find_course(ROOT)) as session:
        reports = session.grade_all(work[:2])
        assert all(report.passed for report in reports), reports[0].diagnosis
        return median_seconds(lambda: session.grade_all(work), 5) / NOTEBOOKS


def seconds_of_stock_nbgrader(course: Path) -> float:
    """Seconds a submission of stock ``nbgrader autograde``, with an ordinary test cell."""
    source = course / "source" / "ps1"
    source.mkdir(parents=True)
    cells = [
        nbformat.v4.new_code_cell("import torch"),
        _cell(RIGHT, grade_id="solution", solution=True),
        _cell(STOCK_TEST, grade_id="test", grade=True, locked=True, points=6),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), source / "nb.ipynb")
    _nbgrader(course, "generate_assignment", "ps1")
    for number in range(NOTEBOOKS):
        submitted = course / "submitted" / f"student{number:02}" / "ps1"
        submitted.mkdir(parents=True)
        shutil.copy(source / "nb.ipynb", submitted)
    started = time.perf_counter()
    _nbgrader(course, "autograde", "ps1")
    return (time.perf_counter() - started) / NOTEBOOKS


def _cell(text: str, **metadata: object) -> nbformat.NotebookNode:
    flags = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3, **metadata}
    return nbformat.v4.new_code_cell(text, metadata={"nbgrader": flags})


def _nbgrader(course: Path, *command: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        [sys.executable, "-m", "nbgrader", *command],
        cwd=course,
        check=True,
        capture_output=True,
        env={**os.environ, "PATH": path},
    )


def bare_fork(grader: Grader) -> Callable[[], None]:
    """A fork that runs the code and the same calls, and does nothing else: no sandbox, no comparison, no report."""
    from grader.child.cells import new_scope, run_cells
    from grader.child.execute import perform
    from grader.child.forbidden import taken_away
    from grader.child.rehearsal import get_ready

    get_ready()
    calls = grader.key.calls
    forbidden = {name for call in calls for name in call.watched}

    def action() -> None:
        pid = os.fork()
        if pid == 0:
            scope = new_scope()
            run_cells([RIGHT], scope)
            with taken_away(forbidden):
                for call in calls:
                    perform(call, scope)
            os._exit(0)
        os.waitpid(pid, 0)

    return action


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    located = find_course(ROOT)
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as scratch:
        ours = seconds_of_attn(Path(scratch) / "attn")
        stock = seconds_of_stock_nbgrader(Path(scratch) / "nbgrader")
    print(
        f"{NOTEBOOKS} notebooks: attn {ours * 1e3:.1f} ms each, stock nbgrader {stock:.2f} s each: {stock / ours:.0f} x"
    )

    with Session(located) as session:
        grader = session.grader(EXERCISE)
        one = Submission(Path("bench"), (RIGHT,))
        whole = median_seconds(lambda: grader.grade_cells(one), 40)
        fork = median_seconds(bare_fork(grader), 40)
        print(f"one submission: {whole * 1e3:.1f} ms; bare fork {fork * 1e3:.1f} ms: {whole / fork:.2f} x")
        packed = PackedCalls(grader.key.calls)
        targets = grader.key.targets
        with Runner(without=[layer.name for layer in LAYERS]) as free:
            kept, loose = [], []
            for _ in range(40):  # in turns, so that the machine's mood is the same for both
                kept.append(_seconds(lambda: session.runner.run([RIGHT], targets, packed)))
                loose.append(_seconds(lambda: free.run([RIGHT], targets, packed)))
        cost = statistics.median(kept) - statistics.median(loose)
        print(f"the sandbox adds {cost * 1e3:.2f} ms a submission")

    scope: dict[str, object] = {}
    exec(RIGHT, scope)
    from grader import check

    warm = median_seconds(lambda: check(scope[EXERCISE], strict=True), 20)
    print(f"check() warm: {warm * 1e3:.0f} ms")

    attn = [str(Path(sys.executable).parent / "attn"), "--help"]
    helped = median_seconds(lambda: subprocess.run(attn, capture_output=True, check=True), 15)
    python = median_seconds(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True), 15)
    print(f"attn --help: {helped * 1e3:.0f} ms; python -c pass {python * 1e3:.0f} ms: {helped / python:.1f} x")


def _seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
