"""Warm parents for tests, forked from one process that has imported torch.

Importing it takes two seconds of CPU time, and a run of all tests has dozens of warm parents. From there on, they are
what `grader.child.warm` makes of them. Tests of how one is started ask for the fixture `started_afresh`.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from threading import Lock
from typing import Any

import pytest
from helpers import ROOT

from grader.runner.children import RunnerError
from grader.runner.interpreter import START_SECONDS, _environment
from grader.runner.warm_process import STOP_SECONDS, WarmProcess

PROGRAM = f"""
import os, socket, sys
sys.path.insert(0, {str(ROOT)!r})
from grader.child import rehearsal, warm

asking = socket.socket(fileno=int(sys.argv[1]))
while True:
    without, descriptors, _, _ = socket.recv_fds(asking, 4096, 1)
    if not descriptors:
        break
    pid = os.fork()
    if pid == 0:
        try:
            asking.close()
            os.setsid()
            sys.argv[1:] = [str(descriptors[0]), without.decode().strip()]
            warm.main()
        finally:
            os._exit(0)
    os.close(descriptors[0])
    asking.send(str(pid).encode())
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""


class Origin:
    """The process that has imported torch, started when first needed. It ends with the one that started it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._one_at_a_time = Lock()

    def fork(self, without: Iterable[str], control: socket.socket) -> int:
        """Have a warm parent forked that is spoken to through a socket; its process id."""
        with self._one_at_a_time:
            if self._process is None:
                self._start()
            socket.send_fds(self._asking, [",".join(without).encode() or b" "], [control.fileno()])
            return int(self._asking.recv(64))

    def _start(self) -> None:
        self._asking, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._asking.settimeout(START_SECONDS)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-s", "-P", "-c", PROGRAM, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=tempfile.gettempdir(),
                env=_environment(),
                start_new_session=True,
            )

    def end(self) -> None:
        """Let it end, as soon as the warm parents have that came of it: each does when it serves nobody any more."""
        if self._process is not None:
            self._asking.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)


class Forked:
    """A warm parent, in place of a `WarmProcess`."""

    wrapped = False

    def __init__(self, origin: Origin, without: Iterable[str]) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.pid = origin.fork(without, theirs)
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
    origin = Origin()

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
