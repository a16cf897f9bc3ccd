"""Runs an author's code in this process: a reference, a variant of it, a fault."""

from __future__ import annotations

import linecache
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import RLock
from typing import Any

from grader.child.cells import new_scope
from grader.child.execute import detached, perform
from grader.text import Text
from grader.wire.calls import Call, Outcome

_one_at_a_time = RLock()
_FILE = "<cell 1>"
"""As what a submission of one cell is run as: what comes of both is compared."""


class CodeError(ValueError):
    """An author's code raises; the message says what."""


@contextmanager
def _trusted_run() -> Iterator[None]:
    """One at a time, since runs share torch's random state and graders are used by threads; and in silence, since a
    variant of a reference may do what torch warns of."""
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def scope_of(text: str) -> dict[str, Any]:
    """The namespace that code makes up.

    Raises:
        CodeError: it raises.
    """
    with _trusted_run():
        scope = new_scope()
        linecache.cache[_FILE] = (len(text), None, text.splitlines(keepends=True), _FILE)  # for inspect.getsource
        try:
            exec(compile(text, _FILE, "exec", dont_inherit=True), scope)
        except Exception as error:
            raise CodeError(f"{type(error).__name__}: {error}") from error
    return scope


def run_call(call: Call, scope: dict[str, Any]) -> Outcome:
    """Make one call."""
    with _trusted_run():
        return detached(perform(call, scope))


@lru_cache(maxsize=256)
def fault_in(text: str) -> Callable[[Any, Any], Text | None]:
    """The last function that a text defines."""
    names: dict[str, Any] = {}
    exec(compile(text, "<fault>", "exec", dont_inherit=True), names)
    fault: Callable[[Any, Any], Text | None] = next(value for value in reversed(names.values()) if callable(value))
    return fault
