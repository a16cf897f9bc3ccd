"""Frames over a stream socket, with a deadline and a size limit."""

from __future__ import annotations

import socket
import time

from grader.wire.bounds import FRAME, MAX_FRAME_BYTES, WireError


class ClosedError(Exception):
    """The other side has gone."""


class LateError(Exception):
    """The other side did not answer in time."""


def send(channel: socket.socket, frame: bytes, deadline: float | None = None) -> None:
    """Send a whole frame made by `grader.wire.encoding.pack`. ``deadline`` is a `time.monotonic` reading.

    Raises:
        ClosedError: the other side has gone.
        LateError: the other side did not take it in time.
    """
    try:
        if deadline is not None:
            channel.settimeout(max(deadline - time.monotonic(), 1e-3))
        channel.sendall(frame)
    except TimeoutError:
        raise LateError from None
    except OSError as error:
        raise ClosedError from error


def receive(
    channel: socket.socket,
    deadline: float | None = None,
    most_text: int = MAX_FRAME_BYTES,
    most_block: int = MAX_FRAME_BYTES,
) -> tuple[bytes, bytes]:
    """The two parts of the next frame, unread. ``deadline`` is a `time.monotonic` reading.

    Raises:
        ClosedError: the other side has gone.
        LateError: the deadline has passed.
        WireError: the frame is larger than it may be.
    """
    text_size, block_size = FRAME.unpack(_exactly(channel, FRAME.size, deadline))
    if text_size > most_text or block_size > most_block:
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
