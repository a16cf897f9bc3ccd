"""``attn build``: the notebooks that are handed out, or nbgrader's sources."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli.app import app
from grader.cli.common import course, fail, import_torch, known, usage_error

if TYPE_CHECKING:
    from grader.course.course import LocatedCourse


@app.command()
def build(
    exercises: Annotated[
        list[str] | None, typer.Argument(help="Exercises, or assignments; all when none is named.")
    ] = None,
    sources: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write nbgrader's source notebooks, solutions included, into this folder."),
    ] = None,
    keys: Annotated[
        bool, typer.Option("--keys", help="Write the answer keys that grading needs into keys/, ahead of time.")
    ] = False,
    device: Annotated[str, typer.Option(help="With --keys: the device that is graded on.")] = "cpu",
) -> None:
    """Build the notebooks that are handed out, from solutions/ into exercises/.

    With --sources, nbgrader's source notebooks in their place; with --keys, the answer keys.
    """
    located = course()
    only = known(located, _named(located, exercises or []))
    _need(["nbformat"] if keys or sources else ["nbformat", "nbgrader", "traitlets"])
    import_torch()
    from rich.console import Console

    from grader.course.course import KEYS_FOLDER
    from grader.course.errors import ExerciseError
    from grader.handout.build import BuildError, write_sources
    from grader.handout.build import build as build_all
    from grader.handout.keys import write_keys

    notes = Console(stderr=True)

    def building(name: str) -> None:
        notes.print(f"building {name}", highlight=False)

    target = located.root / KEYS_FOLDER if keys else sources or located.root / "exercises"
    try:
        if keys:
            written = write_keys(located, device, only, building)
        else:
            written = (write_sources if sources else build_all)(located, target, only, building)
    except (BuildError, ExerciseError) as error:
        fail(str(error))
    print(f"{len(written)} {'keys' if keys else 'notebooks'} in {target}")


def _need(libraries: list[str]) -> None:
    """End, saying what to install, where one of them is missing."""
    from importlib.util import find_spec

    for library in libraries:
        try:
            there = find_spec(library) is not None
        except ImportError:
            there = False
        if not there:
            usage_error(
                f'`attn build` needs {library}; in your checkout, say: pip install -c constraints.txt ".[nbgrader]"'
            )


def _named(located: LocatedCourse, asked: list[str]) -> list[str]:
    """Exercises, those of an assignment that is named among them."""
    of_assignment = {
        assignment.id: [entry.id for entry in assignment.exercises] for assignment in located.course.assignments
    }
    return [exercise for name in asked for exercise in of_assignment.get(name, [name])]
