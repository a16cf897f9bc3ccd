"""Children that a warm parent forks: on Linux, where a child costs milliseconds and the sandbox holds it."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import select
import socket
import threading
from collections.abc import Sequence
from typing import Any

from grader.runner.children import Child, LostError, RunnerError
from grader.runner.warm_process import WarmProcess, may_be_wrapped
from grader.wire.channel import SocketChannel
from grader.wire.ended import Ended

REPORT_SECONDS = 5.0
"""For the warm parent to say how a child ended."""
MOST_STARTS = 5
"""Of warm parents for one child: what dies so often is beyond help."""


class ForkingChildren:
    """The warm parent, started when first needed and again after it has died.

    Args:
        device: where submissions run.
        without: layers to do without.
    """

    def __init__(self, device: str = "cpu", without: Sequence[str] = ()) -> None:
        self.device = device
        self.without = frozenset(without)
        self._layers: tuple[str, ...] = ()
        self._abandoned = False
        self._lock = threading.Lock()
        self._tokens = itertools.count(1)
        self._early: WarmProcess | None = None
        self._process: WarmProcess | None = None

    def begin(self) -> None:
        """Start the warm parent: it imports torch for a second or two."""
        with self._lock:
            if self._process is None and self._early is None:
                self._early = WarmProcess(self.without, may_be_wrapped(self.device, self.without))

    def serves(self, device: str) -> bool:
        """True if its children can use this device: bubblewrap hides accelerators."""
        return device == self.device or self._early is None or not self._early.wrapped

    def layers(self) -> tuple[str, ...]:
        """Names of the sandbox layers that keep children in."""
        with self._lock:
            self._started()
            return self._layers

    def start(self, limits: dict[str, Any]) -> Child:
        """Have a child forked."""
        ours, theirs = socket.socketpair()
        status_read, status_write = os.pipe()
        token = next(self._tokens)
        try:
            for _ in range(MOST_STARTS):
                with self._lock:
                    process = self._started()
                    request = {"token": token, "limits": limits}
                    try:
                        process.send(request, [theirs.fileno(), status_write])
                        return _Forked(self, SocketChannel(ours), status_read, token)
                    except OSError:  # the warm parent was killed: a new one serves as well
                        self._stop()
            raise LostError("the process that runs submissions keeps dying")
        finally:
            theirs.close()
            os.close(status_write)

    def close(self) -> None:
        """End the warm parent and, with it, every child."""
        with self._lock:
            self._stop()

    def abandon(self) -> None:
        """Close for good: threads that still want a child get a `RunnerError`, and no new warm parent."""
        with self._lock:
            self._abandoned = True
            self._stop()

    def kill(self, token: int) -> None:
        """End a child and what is in its session."""
        with self._lock, contextlib.suppress(OSError):
            if self._process is not None:
                self._process.send({"kill": token})

    def _started(self) -> WarmProcess:
        """The process; called with the lock held."""
        if self._abandoned:
            raise RunnerError("The run was given up.")
        if self._process is None:
            early, self._early = self._early, None
            try:
                self._process, self._layers = self._greeted(early)
            except RunnerError as error:
                if not self._layers:
                    raise
                raise LostError(str(error)) from None  # it could be started before: this may pass
        return self._process

    def _greeted(self, early: WarmProcess | None) -> tuple[WarmProcess, tuple[str, ...]]:
        """A warm parent that has started, with its layers: the early one if that can be, else one without wrapping."""
        process = early or WarmProcess(self.without, may_be_wrapped(self.device, self.without))
        try:
            return process, process.layers()
        except RunnerError:
            if not process.wrapped and early is None:
                raise
        process = WarmProcess(self.without)
        return process, process.layers()

    def _stop(self) -> None:
        for process in (self._early, self._process):
            if process is not None:
                process.stop()
        self._early = self._process = None


class _Forked:
    def __init__(self, parent: ForkingChildren, channel: SocketChannel, status: int, token: int) -> None:
        self.channel = channel
        self._parent, self._status, self._token = parent, status, token

    def how_it_ended(self) -> Ended:
        self._parent.kill(self._token)
        ready, _, _ = select.select([self._status], [], [], REPORT_SECONDS)
        report = os.read(self._status, 4096) if ready else b""
        if not report:  # the warm parent itself has gone, or does not come round to it
            return Ended.LOST
        return Ended(json.loads(report)["why"])

    def close(self) -> None:
        self._parent.kill(self._token)
        self.channel.close()
        os.close(self._status)
