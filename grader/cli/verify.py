"""``attn verify``: prove the course sound."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli.app import app
from grader.cli.common import course, fail, import_torch, known, usage_error

if TYPE_CHECKING:
    from rich.console import Console

    from grader.proof.verify import Proof


@app.command()
def verify(
    exercises: Annotated[list[str] | None, typer.Argument(help="Exercises; all when none is named.")] = None,
    docs: Annotated[Path | None, typer.Option(help="Write what was found to this Markdown file.")] = None,
    mutants: Annotated[
        bool, typer.Option("--mutants", help="Grade mutants of the references instead, and list those that survive.")
    ] = False,
    all_mutants: Annotated[bool, typer.Option("--all", help="With --mutants: all of them, not a sample.")] = False,
    json_file: Annotated[
        str | None,
        typer.Option("--json", metavar="FILE|-", help="With --mutants: write the scores; - for standard output."),
    ] = None,
) -> None:
    """Prove the course sound: stubs 0, references full marks, every known mistake caught and named."""
    if mutants:
        from grader.cli.mutants import measure

        measure(exercises, docs, all_mutants, json_file)
        return
    if all_mutants or json_file:
        usage_error("--all and --json belong to --mutants.")
    from concurrent.futures import ThreadPoolExecutor

    located = course()
    names = known(located, exercises) or [entry.id for _, entry in located.course.entries()]
    import_torch()
    from rich.console import Console

    from grader.course.errors import ExerciseError
    from grader.proof.tables import write_proofs
    from grader.proof.verify import Proof, unused_sentences
    from grader.proof.verify import verify as verify_one
    from grader.session import Session

    console = Console()

    def proved(name: str) -> Proof:
        try:
            return verify_one(located, name, session.runner)
        except ExerciseError as error:
            return Proof(name, str(error).splitlines())

    proofs = []
    with Session(located) as session, ThreadPoolExecutor(os.cpu_count()) as pool:
        for proof in pool.map(proved, names):
            proofs.append(proof)
            _print_proof(console, proof)
    if docs is not None:
        write_proofs(docs, located.course, proofs)
    unused = [] if exercises else unused_sentences(located, proofs)
    for line in unused:
        console.print(f"✗ {line}", style="red", markup=False, highlight=False, soft_wrap=True)
    unsound = sum(not proof.sound for proof in proofs)
    if unsound:
        fail(f"{unsound} of {len(names)} exercises are not sound.")
    if unused:
        fail("Some sentences are about no mistake.")
    console.print(f"{len(names)} exercises verified.", highlight=False)


def _print_proof(console: Console, proof: Proof) -> None:
    named = sum(slug == first for slug, _, first in proof.named)
    mark, style = ("✓", "green") if proof.sound else ("✗", "red")
    console.print(
        f"{mark} {proof.exercise}: {named} of {len(proof.named)} mistakes named", style=style, highlight=False
    )
    for problem in proof.problems:
        console.print(f"    {problem}", markup=False, highlight=False, soft_wrap=True)
    for idle in proof.idle_cases:
        said = f"    note: no known mistake shows in {idle!r}"
        console.print(said, style="dim", markup=False, highlight=False, soft_wrap=True)
