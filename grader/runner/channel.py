"""Frames over a stream socket, with a deadline and a size limit."""

from __future__ import annotations

import socket
import time

from grader.calls import FRAME, MAX_FRAME_BYTES, WireError


class ClosedError(Exception):
    """The other side has gone."""


class LateError(Exception):
    """The other side did not answer in time."""


def send(channel: socket.socket, frame: bytes) -> None:
    """Send a whole frame made by `grader.calls.pack`.

    Raises:
        ClosedError: the other side has gone.
    """
    try:
        channel.sendall(frame)
    except OSError as error:
        raise ClosedError from error


def receive(channel: socket.socket, deadline: float | None = None) -> tuple[bytes, bytes]:
    """The two parts of the next frame, unread. ``deadline`` is a `time.monotonic` reading.

    Raises:
        ClosedError: the other side has gone.
        LateError: the deadline has passed.
        WireError: the frame is larger than any frame may be.
    """
    text_size, block_size = FRAME.unpack(_exactly(channel, FRAME.size, deadline))
    if text_size > MAX_FRAME_BYTES or block_size > MAX_FRAME_BYTES:
        raise WireError("a frame too large to be read")
    return _exactly(channel, text_size, deadline), _exactly(channel, block_size, deadline)


def _exactly(channel: socket.socket, size: int, deadline: float | None) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise LateError
            channel.settimeout(left)
        try:
            part = channel.recv(min(size - len(parts), 2**20))
        except TimeoutError:
            raise LateError from None
        except OSError as error:
            raise ClosedError from error
        if not part:
            raise ClosedError
        parts += part
    return bytes(parts)
