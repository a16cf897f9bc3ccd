"""Frames over a stream of bytes, with a deadline and a size limit."""

from __future__ import annotations

import socket
import time
from abc import ABC, abstractmethod
from contextlib import suppress

from grader.wire.bounds import FRAME, MAX_FRAME_BYTES, WireError


class ClosedError(Exception):
    """The other side has gone."""


class LateError(Exception):
    """The other side did not answer in time."""


class Channel(ABC):
    """One end of a stream. Deadlines are readings of `time.monotonic`; None is for ever.

    What has arrived is read even when the deadline has passed: it was the reader who came late.
    """

    def send(self, frame: bytes, deadline: float | None = None) -> None:
        """Send a whole frame made by `grader.wire.encoding.pack`.

        Raises:
            ClosedError: the other side has gone.
            LateError: the other side did not take it in time.
        """
        try:
            self._write(frame, deadline)
        except TimeoutError:
            raise LateError from None
        except OSError as error:
            raise ClosedError from error

    def receive(
        self,
        deadline: float | None = None,
        most_text: int = MAX_FRAME_BYTES,
        most_block: int = MAX_FRAME_BYTES,
    ) -> tuple[bytes, bytes]:
        """The two parts of the next frame, unread.

        Raises:
            ClosedError: the other side has gone.
            LateError: the deadline has passed.
            WireError: the frame is larger than it may be.
        """
        text_size, block_size = FRAME.unpack(self._exactly(FRAME.size, deadline))
        if text_size > most_text or block_size > most_block:
            raise WireError("a frame too large to be read")
        return self._exactly(text_size, deadline), self._exactly(block_size, deadline)

    @abstractmethod
    def close(self) -> None:
        """Give the stream back."""

    @abstractmethod
    def _write(self, data: bytes, deadline: float | None) -> None:
        """Write all of it, or raise an OSError."""

    @abstractmethod
    def _read(self, most: int, deadline: float | None) -> bytes:
        """Some bytes, nothing at the end of the stream; or raise an OSError, TimeoutError if none come in time."""

    def _exactly(self, size: int, deadline: float | None) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            try:
                part = self._read(min(size - len(parts), 2**20), deadline)
            except TimeoutError:
                raise LateError from None
            except OSError as error:
                raise ClosedError from error
            if not part:
                raise ClosedError
            parts += part
        return bytes(parts)


class SocketChannel(Channel):
    """Over a socket."""

    def __init__(self, stream: socket.socket) -> None:
        self._socket = stream

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def _write(self, data: bytes, deadline: float | None) -> None:
        self._socket.settimeout(left(deadline))
        self._socket.sendall(data)

    def _read(self, most: int, deadline: float | None) -> bytes:
        if deadline is not None and deadline <= time.monotonic():
            with suppress(BlockingIOError):
                return self._socket.recv(most, socket.MSG_DONTWAIT)
        self._socket.settimeout(left(deadline))
        return self._socket.recv(most)


def left(deadline: float | None) -> float | None:
    """Seconds until a deadline.

    Raises:
        TimeoutError: it has passed.
    """
    if deadline is None:
        return None
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
