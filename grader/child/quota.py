"""A quota on what a submission writes: a write that is too much fails where it is made.

The watcher outside ends what gets round it; honest work, such as twenty saved figures, meets this first, always at the
same place.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable
from typing import Any

SCRATCH = "attn-child-"
"""How the names of the folders begin in which submissions write."""
MOST_FILES = 64
MOST_BYTES = 64 * 2**20
WATCHED_FILES = 256
WATCHED_BYTES = 256 * 2**20
"""Of what gets round the quota: who watches from outside ends a submission that has more."""
MOST_IDLE_SECONDS = 10.0
"""After which it is ended that does nothing; `grader.child.clock` stops honest code that waits long before."""
MOST_THREADS = 64
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def keep_small(folder: str) -> None:
    """From now on, files can be made in a folder only while they are few and small. Cannot be undone."""

    def look(event: str, args: Any) -> None:
        if event != "open":
            return
        path, _, flags = args
        if isinstance(path, str | bytes) and isinstance(flags, int) and flags & _WRITES:
            _refuse_more(folder, os.fspath(path))

    sys.addaudithook(look)


def _refuse_more(folder: str, path: str | bytes) -> None:
    count = size = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            count += 1
            size += entry.stat(follow_symlinks=False).st_size
    if size > MOST_BYTES or (count >= MOST_FILES and not os.path.lexists(path)):
        raise OSError(errno.EDQUOT, "this submission has written as much as it may", path)


def too_much(folder: str, size_of: Callable[[os.stat_result], int]) -> bool:
    """True where a scratch folder, which has no folders in it, has more than a watcher lets pass."""
    size = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for count, entry in enumerate(entries, 1):
            with contextlib.suppress(OSError):  # it may be gone again
                size += size_of(entry.stat(follow_symlinks=False))
            if count > WATCHED_FILES or size > WATCHED_BYTES:
                return True
    return False
