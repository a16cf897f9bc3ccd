"""The warm parent's process: how it is started, spoken to and ended.

Nothing here imports torch: whoever starts the warm parent can do so first, and import torch while it starts.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from grader.child import warm
from grader.sandbox import bubblewrap

START_SECONDS = 120.0
"""For importing torch: a cold disk and a busy machine are given time."""
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
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        root = str(Path(__file__).resolve().parents[2])
        command = [
            # As good as isolated (-I), but for the environment, which is ours.
            *(bubblewrap.prefix() if wrapped else []),
            sys.executable,
            "-s",
            "-P",
            "-c",
            f"import sys; sys.path.insert(0, {root!r}); from {warm.__name__} import main; main()",
            str(theirs.fileno()),
            ",".join(without),
        ]
        with theirs:
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=None if os.environ.get("ATTN_DEBUG") else subprocess.DEVNULL,
                cwd=tempfile.gettempdir(),
                env=_environment(),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Of the process that was started: bubblewrap's, or the warm parent's own."""
        return self._process.pid

    def layers(self) -> tuple[str, ...] | None:
        """Wait until it has started: the layers that it puts on children, or None when it did not start."""
        self._control.settimeout(START_SECONDS)
        try:
            greeting = self._control.recv(4096)
        except OSError:
            greeting = b""
        if not greeting:
            self.stop()
            return None
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
        try:
            self._process.wait(timeout=STOP_SECONDS if self._greeted else 0)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)  # it leads a session, which bubblewrap may share
            self._process.wait()


def may_be_wrapped(device: str, without: Iterable[str]) -> bool:
    """True where bubblewrap can be used. It hides accelerators with everything else."""
    return device == "cpu" and "bubblewrap" not in without and bubblewrap.works()


def _environment() -> dict[str, str]:
    """What children see of the environment: nothing of the user's."""
    kept = {name: os.environ[name] for name in ("CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH") if name in os.environ}
    return {
        **kept,
        "PATH": "/usr/bin:/bin",
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        # Most of a short-lived child's time goes to page tables and page faults; large pages halve them.
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
        # Sets are walked in the same order every time, and so is the grade the same.
        "PYTHONHASHSEED": "0",
        # torch.compile has no compiler to call in a child; without one the code means the same.
        "TORCHDYNAMO_DISABLE": "1",
        "MPLBACKEND": "Agg",
    }
