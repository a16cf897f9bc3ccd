"""Frames over a pair of pipes, for systems that have no sockets between a process and its child."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import IO

from grader.wire.channel import Channel, left

CHUNK_BYTES = 2**16
MOST_WAITING_BYTES = 2**22
"""Of what was received and not yet asked for."""
LATE_SECONDS = 0.2


class Pipes(Channel):
    """In the child: it waits as long as it takes."""

    def __init__(self, reading: IO[bytes], writing: IO[bytes]) -> None:
        self._reading, self._writing = reading, writing

    def close(self) -> None:
        """Give both pipes back."""
        self._reading.close()
        self._writing.close()

    def _write(self, data: bytes, deadline: float | None) -> None:
        waiting = memoryview(data)
        while waiting:
            waiting = waiting[self._writing.write(waiting) :]

    def _read(self, most: int, deadline: float | None) -> bytes:
        return self._reading.read(most)


class WatchedPipes(Channel):
    """On the trusted side. No system call waits for a pipe with a deadline everywhere, so two threads wait."""

    def __init__(self, reading: IO[bytes], writing: IO[bytes]) -> None:
        self._reading, self._writing = reading, writing
        self.total = 0
        """Bytes that came so far."""
        self._received = bytearray()
        self._unsent = memoryview(b"")
        self._ended = self._broken = self._closed = self._late = False
        self._changed = threading.Condition()
        for work in (self._receive_all, self._send_all):
            threading.Thread(target=work, daemon=True).start()

    def close(self) -> None:
        """Give both pipes back, as soon as nobody holds their other ends: the child must have ended."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _write(self, data: bytes, deadline: float | None) -> None:
        with self._changed:
            self._unsent = memoryview(data)
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: not self._unsent or self._broken, left(deadline)):
                raise TimeoutError
            if self._broken:
                raise BrokenPipeError

    def _read(self, most: int, deadline: float | None) -> bytes:
        with self._changed:
            if not self._changed.wait_for(lambda: self._received or self._ended, self._patience(deadline)):
                raise TimeoutError
            part = bytes(self._received[:most])
            del self._received[:most]
            self._changed.notify_all()
        return part

    def _patience(self, deadline: float | None) -> float | None:
        """Seconds to wait. After the deadline, the thread that reads is given one chance to bring what lies ready."""
        if deadline is None or time.monotonic() < deadline:
            return left(deadline)
        late, self._late = self._late, True
        return 0.0 if late else LATE_SECONDS

    def _receive_all(self) -> None:
        part = b"there may be more"
        while part:
            part = b""
            with contextlib.suppress(OSError):
                part = self._reading.read(CHUNK_BYTES)
            with self._changed:
                self._received += part
                self.total += len(part)
                self._ended = not part
                self._changed.notify_all()
                self._changed.wait_for(lambda: len(self._received) < MOST_WAITING_BYTES or self._closed)
                if self._closed:
                    break
        self._reading.close()

    def _send_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._unsent or self._closed)
                if self._closed:
                    break
                part = self._unsent[:CHUNK_BYTES]
            try:
                sent = self._writing.write(part)
            except OSError:
                sent = 0
            with self._changed:
                self._unsent = self._unsent[sent:]
                self._broken = not sent
                self._changed.notify_all()
            if not sent:
                break
        self._writing.close()
