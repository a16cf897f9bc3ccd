"""Looks at a child from outside, with what psutil finds on every system, and ends it when it uses too much.

A system with resource limits and a sandbox stops most of it earlier; this is for the others, and for what gets round.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import psutil

from grader.child.quota import MOST_IDLE_SECONDS, MOST_THREADS, too_much
from grader.wire.ended import Ended

LOOK_SECONDS = 0.05
LOOKS_AROUND = 4
"""Every so many looks, for processes that it started: that takes a look at all processes there are."""
BUSY_SECONDS = 0.02
"""Of CPU time: a child that used less since it was last seen busy does nothing."""
SILENT_SECONDS = 3.0
"""Of CPU time, beyond what one stretch of its work may take: a child whose own clock works stops earlier."""


class Watch:
    """A thread that looks at a child until it is told to stop.

    Args:
        pid: of the child.
        limits: as `Limits.for_child` gives them; CPU time and memory count from now on.
        scratch: the folder in which it writes.
        heard: how much has come from it so far.
    """

    def __init__(self, pid: int, limits: dict[str, Any], scratch: str, heard: Callable[[], int]) -> None:
        self.why: Ended | None = None
        """What the child was ended for, if it was."""
        self._scratch, self._heard = scratch, heard
        self._tree: dict[int, psutil.Process] = {}
        with contextlib.suppress(psutil.Error):
            self._tree[pid] = psutil.Process(pid)
        self._pid = pid
        seconds, memory, _ = self._usage()
        self._most_seconds = seconds + limits["cpu_seconds"]
        self._most_silent_seconds = max(limits["cells_seconds"], limits["call_seconds"]) + SILENT_SECONDS
        self._most_memory = memory + limits["memory_bytes"]
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more, and end the child with every process that it was seen to start."""
        self._stopped.set()
        self._thread.join()
        self._look_around()
        self._end()

    def _look_on(self) -> None:
        used, busy = 0.0, time.monotonic()
        heard, spoke = -1, 0.0
        for look in itertools.count():
            if self._stopped.wait(LOOK_SECONDS):
                break
            if look % LOOKS_AROUND == 0:
                self._look_around()
            seconds, memory, threads = self._usage()
            now = time.monotonic()
            if seconds > used + BUSY_SECONDS:
                used, busy = seconds, now
            if self._heard() != heard:
                heard, spoke = self._heard(), seconds
            if seconds > self._most_seconds or seconds > spoke + self._most_silent_seconds:
                self.why = Ended.TIMEOUT
            elif memory > self._most_memory:
                self.why = Ended.OUT_OF_MEMORY
            elif now > busy + MOST_IDLE_SECONDS:
                self.why = Ended.WAITING
            elif threads > MOST_THREADS or too_much(self._scratch, _long):
                self.why = Ended.CRASHED
            if self.why:
                self._end()
                break

    def _look_around(self) -> None:
        """Note the processes that the child, or one of its own, has started: some outlive the one that started them."""
        for process in list(self._tree.values()):
            with contextlib.suppress(psutil.Error, OSError):
                self._tree.update((found.pid, found) for found in process.children(recursive=True))

    def _usage(self) -> tuple[float, int, int]:
        """CPU seconds, bytes and threads of them all."""
        seconds, memory, threads = 0.0, 0, 0
        for process in self._tree.values():
            with contextlib.suppress(psutil.Error, OSError), process.oneshot():
                times = process.cpu_times()
                seconds += times.user + times.system
                memory += process.memory_info().rss
                threads += process.num_threads()
        return seconds, memory, threads

    def _end(self) -> None:
        for process in self._tree.values():
            with contextlib.suppress(psutil.Error):  # psutil sees to it that the number is still that process's
                process.kill()


def _long(found: os.stat_result) -> int:
    return found.st_size
