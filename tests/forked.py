"""Warm parents for tests, forked from one process that has imported torch.

From there on, they are what `grader.child.warm` makes of them. Tests of how one is started ask for the fixture
`started_afresh`.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pytest
from origin import Origin

from grader.runner.children import RunnerError
from grader.runner.interpreter import START_SECONDS, _environment
from grader.runner.warm_process import STOP_SECONDS, WarmProcess

CODE = "from grader.child import warm; warm.main()"
CONTROL = 200
"""The number that a warm parent's socket has: none that it has already."""


class Forked:
    """A warm parent, in place of a `WarmProcess`."""

    wrapped = False

    def __init__(self, origin: Origin, without: Iterable[str]) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            arguments = ["-c", str(CONTROL), ",".join(without)]
            self.pid = origin.fork(CODE, arguments, [theirs.fileno()], [CONTROL])
        self._ended = os.pidfd_open(self.pid)

    def layers(self) -> tuple[str, ...]:
        self._control.settimeout(START_SECONDS)
        greeting = self._control.recv(4096)
        self._control.settimeout(None)
        if not greeting:
            raise RunnerError("it did not start")
        return tuple(json.loads(greeting)["layers"])

    def send(self, request: dict[str, object], descriptors: Sequence[int] = ()) -> None:
        socket.send_fds(self._control, [json.dumps(request).encode()], descriptors)

    def stop(self) -> None:
        self._control.close()
        if not select.select([self._ended], [], [], STOP_SECONDS)[0]:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._ended, signal.SIGKILL)
        os.close(self._ended)


STARTING = ("grader.runner.warm_process.WarmProcess", "grader.runner.forking.WarmProcess")
"""The names by which warm parents are started."""


@pytest.fixture(scope="session", autouse=True)
def torch_is_imported_once() -> Iterator[None]:
    """Warm parents of this process come of one that has imported torch, where nothing is to be around them."""
    origin = Origin(_environment(), ["grader.child.rehearsal", "grader.child.warm"])

    def started(without: Iterable[str] = (), wrapped: bool = False) -> Any:
        return WarmProcess(without, wrapped) if wrapped else Forked(origin, without)

    with pytest.MonkeyPatch.context() as patched:
        for name in STARTING:
            patched.setattr(name, started)
        yield
    origin.end()


@pytest.fixture(scope="module")
def started_afresh() -> Iterator[None]:
    """From now on, this module's warm parents are started as they are for people."""
    with pytest.MonkeyPatch.context() as patched:
        for name in STARTING:
            patched.setattr(name, WarmProcess)
        yield
