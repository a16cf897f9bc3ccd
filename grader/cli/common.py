"""What several commands share: their options, how they end, the course they are in, and importing torch."""

from __future__ import annotations

import os
import signal
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from rich.console import Console

    from grader.course.course import LocatedCourse


class Lang(StrEnum):
    """Language of the messages."""

    en = "en"
    zh = "zh"


LangOption = Annotated[Lang, typer.Option("--lang", envvar="ATTN_LANG", help="Language of the messages.")]


def usage_error(message: str) -> NoReturn:
    """End because something was asked for that cannot be done."""
    print(message, file=sys.stderr)
    raise typer.Exit(2)


def fail(message: str) -> NoReturn:
    """End because what was asked for did not succeed."""
    print(message, file=sys.stderr)
    raise typer.Exit(1)


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
    import difflib

    there = [entry.id for _, entry in located.course.entries()]
    for name in exercises or []:
        if name not in there:
            close = difflib.get_close_matches(name, there, n=3)
            hint = f"; did you mean {' or '.join(close)}?" if close else "."
            usage_error(f"There is no exercise {name!r}{hint}")
    return exercises or []


def import_torch() -> Any:
    """Import torch. Interrupted meanwhile, its import goes on and fails later: so this process ends at once instead."""
    before = signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    try:
        import torch
    finally:
        signal.signal(signal.SIGINT, before)
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
