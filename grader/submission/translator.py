"""Asks the process that translates cells (`grader.submission.ipython`), and starts it when it is first needed."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from functools import lru_cache
from select import select

from grader.libraries import folders_to_name
from grader.submission import ipython

BACKSTOP_SECONDS = 60.0
"""On the wall's clock; the process itself gives up long before."""


class Translator:
    """A process that is started when first asked, and again after it has died of a cell."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def python(self, cell: str) -> tuple[str | None, float]:
        """A cell as Python, None where IPython makes nothing of it or not in time; and the seconds that it took."""
        with self._lock:
            started = time.monotonic()
            process = self._process = self._process or _start()
            with suppress(OSError):
                answer = _asked(process, cell)
                if answer:
                    python, seconds = json.loads(answer)
                    return python, seconds
            self.close()  # it has died of the cell, or hangs
            return None, max(ipython.SECONDS, time.monotonic() - started)

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-s", "-P", ipython.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": "/nonexistent",
            "LANG": "C.UTF-8",
            "PYTHONUTF8": "1",
            "PYTHONPATH": os.pathsep.join(folders_to_name()),
        },
        bufsize=0,
        start_new_session=True,
    )


def _asked(process: subprocess.Popen[bytes], cell: str) -> bytes:
    """The line that is the answer; empty where none comes."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(cell).encode() + b"\n")
    answer = bytearray()
    while not answer.endswith(b"\n"):
        ready, _, _ = select([process.stdout], [], [], BACKSTOP_SECONDS)
        part = os.read(process.stdout.fileno(), 2**16) if ready else b""
        if not part:
            return b""
        answer += part
    return bytes(answer)


_translator = Translator()
atexit.register(_translator.close)


@lru_cache(maxsize=512)
def python_of(cell: str) -> tuple[str | None, float]:
    """A cell in IPython's language as Python, each statement in its line; None where that cannot be had.

    With it, the seconds of computing that it took.
    """
    return _translator.python(cell)
