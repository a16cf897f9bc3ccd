"""The warm parent's process: how it is started, spoken to and ended."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Sequence

from grader.child import warm
from grader.runner.interpreter import START_SECONDS, Interpreter
from grader.sandbox import bubblewrap

STOP_SECONDS = 5.0


class WarmProcess:
    """A warm parent that is starting or has started.

    Args:
        without: layers to do without.
        wrapped: run it in bubblewrap.
    """

    def __init__(self, without: Iterable[str] = (), wrapped: bool = False) -> None:
        self.wrapped = wrapped
        self._greeted = False
        # What submissions write lies in here: whatever becomes of the warm parent, nothing of it stays.
        self._folder = tempfile.mkdtemp(prefix="attn-run-")
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._interpreter = Interpreter(
                warm,
                str(theirs.fileno()),
                ",".join(without),
                *([] if wrapped else [self._folder]),
                folder=self._folder,
                before=bubblewrap.prefix() if wrapped else [],
                pass_fds=[theirs.fileno()],
            )

    @property
    def pid(self) -> int:
        """Of the process that was started: bubblewrap's, or the warm parent's own."""
        return self._interpreter.process.pid

    def layers(self) -> tuple[str, ...]:
        """Wait until it has started: the layers that it puts on children.

        Raises:
            RunnerError: it did not start.
        """
        self._control.settimeout(START_SECONDS)
        try:
            greeting = self._control.recv(4096)
        except OSError:
            greeting = b""
        if not greeting:
            why = self._interpreter.why_not()
            self.stop()
            raise why
        self._control.settimeout(None)
        self._greeted = True
        return (*json.loads(greeting)["layers"], *(["bubblewrap"] if self.wrapped else []))

    def send(self, request: dict[str, object], descriptors: Sequence[int] = ()) -> None:
        """Ask for something.

        Raises:
            OSError: it has gone.
        """
        socket.send_fds(self._control, [json.dumps(request).encode()], descriptors)

    def stop(self) -> None:
        """End it and, with it, every child."""
        self._control.close()
        process = self._interpreter.process
        try:
            process.wait(timeout=STOP_SECONDS if self._greeted else 0)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)  # it leads a session, which bubblewrap may share
            process.wait()
        self._interpreter.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def may_be_wrapped(device: str, without: Iterable[str]) -> bool:
    """True where bubblewrap can be used. It hides accelerators with everything else."""
    return device == "cpu" and "bubblewrap" not in without and bubblewrap.works()
