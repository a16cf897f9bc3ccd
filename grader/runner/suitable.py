"""Which kind of process suits this system."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from grader.runner.children import Children

CHOICE = "ATTN_RUNNER"
"""The environment variable: ``fork`` or ``spawn``; without it, what the system is good at."""


def suitable_children(device: str = "cpu", without: Sequence[str] = ()) -> Children:
    """Where the processes for submissions come from: forked on Linux, started one by one everywhere else."""
    if forks():
        from grader.runner.forking import ForkingChildren

        return ForkingChildren(device, without)
    from grader.runner.spawning import SpawnedChildren

    return SpawnedChildren(without)


def why_suitable() -> str:
    """Which kind it is, and why, for people."""
    if forks():
        return "submissions run in forked children of one process: on Linux that takes milliseconds for each"
    asked = f"{CHOICE} asks for it" if sys.platform == "linux" else "only Linux can fork them safely"
    return f"submissions run in an interpreter for each ({asked}): that takes a second or two for each"


def forks() -> bool:
    """True where children are forked. macOS can fork, but kills at will what frameworks were loaded in."""
    return os.environ.get(CHOICE, "fork") != "spawn" and sys.platform == "linux"
