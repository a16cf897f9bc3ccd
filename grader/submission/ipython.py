"""The process that translates cells: IPython's language in, Python out, one text at a time.

It reads what anybody may have written, and IPython's transformers are slow on hostile text and can be made to crash.
So it is a process of its own, with limits on time and memory, and it holds no secret. It imports nothing of the
grader's, and runs nothing of what it reads.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SECONDS = 2.0
"""CPU time for one cell."""
LOOK_SECONDS = 0.05
MEMORY_BYTES = 2**30
MOST_TRANSFORMATIONS = 300
"""Of one cell: each reads the whole cell again."""


class TooSlowError(Exception):
    """The cell takes longer to translate than any honest one."""


def main() -> None:
    """Answer each line of standard input, a JSON string, with one of JSON: the Python or null, and CPU seconds."""
    from IPython.core.inputtransformer2 import TransformerManager

    _limit()
    manager = TransformerManager()
    for line in sys.stdin:
        started = time.process_time()
        try:
            with _limited():
                python = translated(manager, json.loads(line))
        except Exception:  # whatever is wrong with it, it is no cell that can be run
            python = None
        print(json.dumps([python, time.process_time() - started]), flush=True)


def translated(manager: Any, cell: str) -> str:
    """What IPython makes of a cell, each statement in the line in which it stood.

    Raises:
        TooSlowError: too much of it is magic.
        SyntaxError: IPython makes nothing of it.
    """
    lines = (cell if cell.endswith("\n") else cell + "\n").splitlines(keepends=True)
    total = len(lines)
    for transform in manager.cleanup_transforms:
        lines = transform(lines)
    lines = ["\n"] * (total - len(lines)) + lines  # leading empty lines go first
    if any(line.startswith("%%") for line in lines if line.strip()):
        first = next(number for number, line in enumerate(lines) if line.strip())
        lines = lines[:first] + manager.line_transforms[0](lines[first:])
    for _ in range(MOST_TRANSFORMATIONS):
        changed, following = manager.do_one_token_transform(lines)
        if not changed:
            return "".join(lines)
        lines = _in_its_line(lines, following)
    raise TooSlowError


def _in_its_line(before: list[str], after: list[str]) -> list[str]:
    """A command that went on over several lines has become one: empty lines keep the rest where it was."""
    lost = len(before) - len(after)
    if lost <= 0:
        return after
    changed = next(number for number, line in enumerate(before) if number >= len(after) or after[number] != line)
    return [*after[: changed + 1], *["\n"] * lost, *after[changed + 1 :]]


@contextmanager
def _limited() -> Iterator[None]:
    """Limit the CPU time of what runs inside; without timers of Unix, what takes longer ends the process."""
    if not hasattr(signal, "setitimer"):
        done = threading.Event()
        threading.Thread(target=_end_when_late, args=(time.process_time() + SECONDS, done), daemon=True).start()
        try:
            yield
        finally:
            done.set()
        return
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _end_when_late(end: float, done: threading.Event) -> None:
    while not done.wait(LOOK_SECONDS):
        if time.process_time() > end:
            os._exit(1)


def _limit() -> None:
    def too_slow(*_: object) -> None:
        raise TooSlowError

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for the process that asks
    if hasattr(signal, "SIGPROF"):
        signal.signal(signal.SIGPROF, too_slow)
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
