"""Children that are fresh interpreters: wherever Python runs, at the price of one import of torch for each.

One spare is always started ahead, and imports torch while the one before it works. Everything here is what Windows
has, too: pipes, exit statuses, and a look from outside (`grader.runner.watch`).
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from typing import Any

from grader.child import spawned
from grader.child.quota import SCRATCH
from grader.runner.children import RunnerError
from grader.runner.interpreter import START_SECONDS, Interpreter
from grader.runner.watch import Watch
from grader.sandbox import of_process
from grader.wire.bounds import MAX_HEADER_BYTES
from grader.wire.channel import ClosedError, LateError
from grader.wire.encoding import pack
from grader.wire.ended import Ended, by_signal
from grader.wire.pipes import WatchedPipes

END_SECONDS = 5.0
"""For a process that has closed its channel to be gone."""


class SpawnedChildren:
    """Fresh interpreters, one for each child, and a spare.

    Args:
        without: layers to do without.
    """

    def __init__(self, without: Sequence[str] = ()) -> None:
        self._layers = tuple(name for name in of_process() if name not in without and name != "watchdog")
        self._lock = threading.Lock()
        self._spare: Spawned | None = None
        self._running: set[Spawned] = set()
        self._abandoned = False

    def begin(self) -> None:
        """Start the spare: it imports torch for a second or two."""
        with self._lock:
            if self._spare is None and not self._abandoned:
                self._spare = Spawned(self._layers)

    def serves(self, device: str) -> bool:
        """Every child can use every device."""
        return True

    def layers(self) -> tuple[str, ...]:
        """Names of the sandbox layers that keep children in: those that a process can put on itself."""
        return self._layers

    def start(self, limits: dict[str, Any]) -> Spawned:
        """The spare; another one is started in its place."""
        for last_try in (False, True):
            child = self._taken()
            try:
                child.begin(limits)
                break
            except RunnerError:  # somebody may have killed it while it waited
                if last_try:
                    raise
        return child

    def close(self) -> None:
        """End all children."""
        with self._lock:
            ending, self._running = self._running, set()
            if self._spare is not None:
                ending.add(self._spare)
                self._spare = None
        for child in ending:
            child.close()

    def abandon(self) -> None:
        """Close for good."""
        with self._lock:
            self._abandoned = True
        self.close()

    def _taken(self) -> Spawned:
        self.begin()
        with self._lock:
            child, self._spare = self._spare, None
            if child is None:
                raise RunnerError("The run was given up.")
            self._running = {running for running in self._running if not running.closed} | {child}
        self.begin()
        return child


class Spawned:
    """An interpreter that imports torch, and then waits for the one submission that it will run."""

    def __init__(self, layers: Sequence[str]) -> None:
        self.closed = False
        self._layers = layers
        self._lock = threading.Lock()
        self._watch: Watch | None = None
        self._scratch: str | None = None
        self._interpreter = Interpreter(spawned, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self._process = self._interpreter.process
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.channel = WatchedPipes(self._process.stdout, self._process.stdin)

    def begin(self, limits: dict[str, Any]) -> None:
        """Wait until it has started, and tell it its limits.

        Raises:
            RunnerError: it does not start.
        """
        deadline = time.monotonic() + START_SECONDS
        try:
            self.channel.receive(deadline, MAX_HEADER_BYTES, 0)
            with self._lock:
                if self.closed:
                    raise ClosedError
                self._scratch = tempfile.mkdtemp(prefix=SCRATCH)
                self._watch = Watch(self._process.pid, limits, self._scratch, lambda: self.channel.total)
            self.channel.send(pack({"layers": self._layers, "limits": limits, "scratch": self._scratch}, {}), deadline)
        except (ClosedError, LateError):
            why = self._interpreter.why_not()
            self.close()
            raise why from None

    def how_it_ended(self) -> Ended:
        """Its exit status says so, unless it was ended from outside."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)
        if self._watch and self._watch.why:
            return self._watch.why
        status = self._process.returncode or 0
        return _REASONS.get(status) or by_signal(max(-status, 0))

    def close(self) -> None:
        """End it, with whatever it started, and give back what it used."""
        with self._lock:
            if self.closed:
                return
            self.closed = True
            if self._watch is not None:
                self._watch.stop()
            self._process.kill()
            self._process.wait()
            self.channel.close()
            self._interpreter.close()
            if self._scratch is not None:
                shutil.rmtree(self._scratch, ignore_errors=True)


_REASONS = {status: reason for reason, status in spawned.EXIT_STATUS.items()}
