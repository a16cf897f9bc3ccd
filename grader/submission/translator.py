"""Asks the process that translates cells (`grader.submission.ipython`), and starts it when it is first needed."""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
import threading
import time
from contextlib import suppress
from functools import lru_cache
from queue import Empty, SimpleQueue
from typing import IO

from grader.isolated import environment
from grader.submission import ipython

BACKSTOP_SECONDS = 60.0
"""On the wall's clock; the process itself gives up long before."""


class Translator:
    """A process that is started when first asked, and again after it has died of a cell."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: SimpleQueue[bytes] = SimpleQueue()
        self._lock = threading.Lock()

    def python(self, cell: str) -> tuple[str | None, float]:
        """A cell as Python, None where IPython makes nothing of it or not in time; and the seconds that it took."""
        with self._lock:
            started = time.monotonic()
            if self._process is None:
                self._start()
            with suppress(OSError):
                answer = self._asked(cell)
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
            if process.stdin is not None:
                with suppress(OSError):  # what was still to be written goes nowhere
                    process.stdin.close()

    def _asked(self, cell: str) -> bytes:
        """The line that is the answer; empty where none comes."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(cell).encode() + b"\n")
        self._process.stdin.flush()
        try:
            return self._answers.get(timeout=BACKSTOP_SECONDS)
        except Empty:
            return b""

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-s", "-P", ipython.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
            start_new_session=True,
        )
        self._answers = SimpleQueue()
        assert self._process.stdout is not None
        threading.Thread(target=_read_lines, args=(self._process.stdout, self._answers), daemon=True).start()


def _read_lines(pipe: IO[bytes], lines: SimpleQueue[bytes]) -> None:
    """Read in a thread: not every system can wait for a pipe with a deadline."""
    line = b"the first"
    with pipe:
        while line:
            line = pipe.readline()
            lines.put(line)


_translator = Translator()
atexit.register(_translator.close)


@lru_cache(maxsize=512)
def python_of(cell: str) -> tuple[str | None, float]:
    """A cell in IPython's language as Python, each statement in its line; None where that cannot be had.

    With it, the seconds of computing that it took.
    """
    return _translator.python(cell)
