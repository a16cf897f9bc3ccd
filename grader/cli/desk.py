"""What the learner's commands share: the desk, a file that an id stands for, asking, and showing Markdown."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grader.cli.common import course, said, usage_error

if TYPE_CHECKING:
    from grader.course.course import ExerciseEntry
    from grader.desk.desk import Desk
    from grader.text import Text


def _ids(incomplete: str) -> list[str]:
    """For completion in a shell."""
    return [entry.id for entry in entries() if entry.id.startswith(incomplete)]


def entries() -> list[ExerciseEntry]:
    """The exercises of the course around; none where there is no course."""
    from grader.course.course import find_course
    from grader.course.errors import CourseError

    try:
        return [entry for _, entry in find_course().course.entries()]
    except CourseError:
        return []


Exercise = Annotated[
    str, typer.Argument(metavar="EXERCISE", help="An exercise's id.", autocompletion=_ids, show_default=False)
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Json = Annotated[
    str | None, typer.Option("--json", metavar="FILE|-", help="Write JSON; - for standard output.", show_default=False)
]


def desk() -> Desk:
    """The desk in the working folder; where there is no course, the command ends."""
    from grader.desk.desk import Desk

    return Desk(course())


def exercise_of(at: Desk, name: str) -> str:
    """The exercise that a name stands for; a usage error, with the nearest name, where there is none."""
    from grader.desk.desk import DeskError

    try:
        return at.exercise(name)
    except DeskError as error:
        usage_error(error.text)


def file_of(path: Path) -> Path:
    """The path; or, where nothing is there and it is an exercise's id, the learner's own file for that."""
    if len(path.parts) != 1 or path.exists() or path.is_symlink():
        return path
    from grader.course.course import find_course
    from grader.course.errors import CourseError
    from grader.desk.desk import Desk, DeskError

    with suppress(CourseError, DeskError):
        at = Desk(find_course())
        if at.located.course.named(str(path)):
            return Path(shown(at.file(at.exercise(str(path)))))
    return path


def shown(path: Path) -> str:
    """A path as it is called from the working folder."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def agreed(question: Text, yes: bool, instead: str) -> None:
    """End unless the learner agrees. Where nobody can be asked, ``--yes`` has to be given: ``instead`` is what to say.

    Raises:
        typer.Exit: they do not.
    """
    from grader.text import Text

    if yes:
        return
    if not somebody_there():
        usage_error(
            Text(
                "{question}\nNobody can be asked here; say: {instead}", "{question}\n这里无法询问；请运行：{instead}"
            ).format(question=question, instead=instead)
        )
    if not goes_on(question):
        raise typer.Exit(1)


def goes_on(question: Text) -> bool:
    """Ask whether to go on."""
    from grader.text import Text

    return typer.confirm(f"{said(question)} {said(Text('Go on?', '继续吗？'))}", err=True)


def somebody_there() -> bool:
    """Whether there is a person at both ends, who can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def print_markdown(text: str) -> None:
    """Markdown, laid out on a terminal and as it is elsewhere."""
    from rich.console import Console

    console = Console()
    if console.is_terminal:
        from rich.markdown import Markdown

        console.print(Markdown(text))
    else:
        print(text)


def write(data: Any, where: str) -> None:
    """JSON, to a file or to standard output."""
    from grader.cli.common import fail
    from grader.cli.screen import shows_everything
    from grader.desk.files import write_whole

    text = json.dumps(data, indent=1, ensure_ascii=where == "-" and not shows_everything())
    if where == "-":
        print(text)
        return
    try:
        write_whole(Path(where), text + "\n")
    except OSError as error:
        fail(f"{where} cannot be written: {error.strerror}.")


def say_trouble(at: Desk) -> None:
    """Say on standard error why progress is not kept, if it is not."""
    if at.progress.trouble:
        print(said(at.progress.trouble), file=sys.stderr)
