"""``attn verify --mutants``: how many wrong variants of the references lose marks, and which do not."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from grader.cli.common import course, fail, import_torch, known, progress

if TYPE_CHECKING:
    from rich.console import Console

    from grader.proof.mutants.score import Score


def measure(exercises: list[str] | None, docs: Path | None, all_mutants: bool, json_file: str | None) -> None:
    """Grade mutants, print and write what became of them."""
    located = course()
    names = known(located, exercises) or [entry.id for _, entry in located.course.entries()]
    import_torch()
    from rich.console import Console

    from grader.course.errors import ExerciseError
    from grader.proof.mutants.score import MOST, Trial
    from grader.proof.tables import write_scores
    from grader.session import Session

    console = Console(stderr=json_file == "-")
    scores: list[Score] = []
    with Session(located) as session:
        for name in names:
            try:
                trial = Trial(session.grader(name).key, session.runner, None if all_mutants else MOST)
            except ExerciseError as error:
                fail(str(error))
            with progress(Console(stderr=True), name, trial.count) as advance:
                found = trial.scores(os.cpu_count() or 1, advance)
            for score in found:
                _print_survivors(console, score)
            scores += found
    _print_table(console, scores)
    if json_file is not None:
        _write_json(scores, json_file)
    if docs is not None:
        write_scores(docs, scores)


def _print_survivors(console: Console, score: Score) -> None:
    if score.survivors:
        console.print(f"{score.exercise}, {score.generator} generator", style="bold", highlight=False)
    for found in score.survivors:
        console.print(f"    {found.kind}", style="yellow", highlight=False)
        for line in (*found.change.splitlines(), f"on {found.probe}", found.difference):
            console.print(f"        {line}", markup=False, highlight=False, soft_wrap=True)


def _print_table(console: Console, scores: list[Score]) -> None:
    from rich.table import Table

    from grader.proof.mutants.score import total

    table = Table("exercise", "generator", box=None)
    for head in ("mutants", "equivalent", "killed", "survivors", "score"):
        table.add_column(head, justify="right")
    for score in [*scores, *total(scores)]:
        counts = score.mutants, len(score.equivalent), score.killed, len(score.survivors)
        table.add_row(score.exercise, score.generator, *map(str, counts), f"{100 * score.score:.1f} %")
    console.print(table)


def _write_json(scores: list[Score], file: str) -> None:
    text = json.dumps([{**asdict(score), "score": score.score} for score in scores], indent=1, ensure_ascii=False)
    if file == "-":
        sys.stdout.write(f"{text}\n")
        return
    try:
        Path(file).write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}.")
