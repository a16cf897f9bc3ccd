"""How long judging one submission may take: answers are bounded on arrival, and this is behind the bounds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_end: ContextVar[float | None] = ContextVar("end", default=None)


class TooDearError(Exception):
    """What is looked at takes longer than it may."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Have `look` raise once this thread has computed for so long inside; a busy machine does not count."""
    token = _end.set(time.thread_time() + seconds)
    try:
        yield
    finally:
        _end.reset(token)


def look() -> None:
    """Called before each piece of work whose cost depends on an answer.

    Raises:
        TooDearError: the time is over.
    """
    end = _end.get()
    if end is not None and time.thread_time() > end:
        raise TooDearError
