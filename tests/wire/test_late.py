"""Who reads late, because the whole process was kept waiting, still reads what has arrived in time."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import closing

import pytest
import torch

from grader.values.compare import differences
from grader.values.patience import TooDearError, at_most, look
from grader.wire.channel import Channel, LateError, SocketChannel
from grader.wire.encoding import pack
from grader.wire.pipes import WatchedPipes

FRAME = pack({"answer": 1}, {})


def test_a_socket_is_read_after_the_deadline() -> None:
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        _reads_what_is_there(SocketChannel(ours), lambda: theirs.sendall(FRAME))


def test_a_pipe_is_read_after_the_deadline() -> None:
    reading, written = os.pipe()
    unread, writing = os.pipe()
    with os.fdopen(unread, "rb"), os.fdopen(written, "wb", buffering=0) as theirs:
        channel = WatchedPipes(os.fdopen(reading, "rb", buffering=0), os.fdopen(writing, "wb", buffering=0))
        _reads_what_is_there(channel, lambda: theirs.write(FRAME))
        channel.close()


def _reads_what_is_there(channel: Channel, send: object) -> None:
    assert callable(send)
    past = time.monotonic() - 1.0
    with pytest.raises(LateError):
        channel.receive(past)
    send()
    while True:  # a pipe's own thread needs a moment
        try:
            text, _ = channel.receive(past)
            break
        except LateError:
            assert isinstance(channel, WatchedPipes)
    assert text == b'{"answer": 1}'
    with pytest.raises(LateError):
        channel.receive(past)


def test_judging_has_an_end() -> None:
    tensor = torch.zeros(2)
    with at_most(10.0):
        assert differences(tensor, tensor) == []
        with at_most(-1.0), pytest.raises(TooDearError):
            differences(tensor, tensor)
        look()
    found = list[object]()
    with at_most(-1.0):  # other threads have time of their own
        thread = threading.Thread(target=lambda: found.append(differences(tensor, tensor)))
        thread.start()
        thread.join()
    assert found == [[]]
