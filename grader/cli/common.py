"""What several commands share: their options, how they end, the course they are in, and importing torch."""

from __future__ import annotations

import os
import signal
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from grader.desk.language import named, spoken
from grader.desk.names import no_exercise

Language = Literal["en", "zh"]

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from rich.console import Console

    from grader.course.course import LocatedCourse
    from grader.text import Text


_speaking: ContextVar[Language | None] = ContextVar("speaking", default=None)
"""The language of the command that runs."""


def _named(name: str) -> str:
    language = named(name)
    if language is None:
        raise typer.BadParameter(f"{name!r} is not spoken here; say en or zh.")
    return language


def _chosen(context: typer.Context, language: Language) -> Language:
    """The one given after the command; else the one given after ``attn``; else that of the environment."""
    source = context.get_parameter_source("lang")
    if source is None or source.name != "COMMANDLINE":
        language = (context.parent.params.get("lang") if context.parent else None) or spoken()
    _speaking.set(language)
    return language


LangOption = Annotated[
    Language,
    typer.Option(
        "--lang",
        parser=_named,
        callback=_chosen,
        metavar="en|zh",
        show_default=False,
        help="Language of the messages; else that of ATTN_LANG, else of the locale.",
    ),
]


def usage_error(message: str | Text) -> NoReturn:
    """End because something was asked for that cannot be done."""
    print(said(message), file=sys.stderr)
    raise typer.Exit(2)


def fail(message: str | Text) -> NoReturn:
    """End because what was asked for did not succeed."""
    print(said(message), file=sys.stderr)
    raise typer.Exit(1)


def said(message: str | Text) -> str:
    """A message in the language of this command."""
    if isinstance(message, str):
        return message
    return str(getattr(message, _speaking.get() or spoken()))


def course() -> LocatedCourse:
    """The course around the working folder; where there is none, or it is wrong, the command ends."""
    from grader.course.course import find_course
    from grader.course.errors import CourseError

    try:
        return find_course()
    except CourseError as error:
        usage_error(str(error))


def known(located: LocatedCourse, exercises: list[str] | None) -> list[str]:
    """The exercises, if the course has them all; else a usage error that suggests what may have been meant."""
    there = [entry.id for _, entry in located.course.entries()]
    for name in exercises or []:
        if located.course.named(name) is None:
            usage_error(no_exercise(name, there))
    return [located.course.named(name) or name for name in exercises or []]


def import_torch() -> Any:
    """Import torch. Interrupted meanwhile, its import goes on and fails later: so this process ends at once instead."""
    before = signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    try:
        import torch
    finally:
        signal.signal(signal.SIGINT, before)
    torch.set_num_threads(1)  # operations here are small: a second thread would mostly be waited for
    return torch


def progress(console: Console, what: str, total: int) -> AbstractContextManager[Callable[[], None]]:
    """A context manager that shows a bar, on a terminal, and yields a function that advances it."""
    from collections.abc import Iterator
    from contextlib import contextmanager, nullcontext

    from rich.progress import Progress

    if total < 2 or not console.is_terminal:
        return nullcontext(lambda: None)

    @contextmanager
    def bar() -> Iterator[Callable[[], None]]:
        with Progress(console=console, transient=True) as shown:
            task = shown.add_task(what, total=total)
            yield lambda: shown.advance(task)

    return bar()
