"""How a child ended, or a call that never came back. The words are the same as JSON and in Python."""

from __future__ import annotations

import signal
from enum import StrEnum


class Ended(StrEnum):
    """How a child ended before it had answered every call."""

    TIMEOUT = "timeout"
    """It computed for too long."""
    WAITING = "waiting"
    """It waited for something that did not come."""
    OUT_OF_MEMORY = "out_of_memory"
    CRASHED = "crashed"
    """It ended by itself: an exit, a signal, or an answer that cannot be read."""
    KILLED = "killed"
    """By somebody else. It is run again; the second time, it counts as crashed."""
    LOST = "lost"
    """The grader's own processes failed it. It is run again, which counts nothing."""
    NOT_RUN = "not_run"
    """Too many calls before this one had not come back."""


BY_SIGNAL = {
    "SIGPROF": Ended.TIMEOUT,
    "SIGXCPU": Ended.TIMEOUT,
    "SIGALRM": Ended.WAITING,
    "SIGKILL": Ended.KILLED,
}
"""How a child ended, by the name of the signal that ended it; by any other, or by none, it crashed."""


def by_signal(number: int) -> Ended:
    """How a child ended that was ended by a signal, or by none where the number is 0."""
    named = {getattr(signal, name): reason for name, reason in BY_SIGNAL.items() if hasattr(signal, name)}
    return named.get(number, Ended.CRASHED)
