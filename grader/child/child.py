"""The child: locks itself in, runs the learner's cells, makes the calls, writes what came of them to its channel."""

from __future__ import annotations

import os
import random
import socket
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

import torch

from grader.child.execute import describe, new_scope, perform, run_cells
from grader.sandbox import lock_in
from grader.wire.calls import Outcome
from grader.wire.channel import receive, send
from grader.wire.encoding import decode_calls, pack, pack_outcome, unpack


def run(channel: socket.socket, layers: Sequence[str], limits: dict[str, Any], scratch: str) -> None:
    """Serve one submission. Whatever goes wrong ends this process and nothing else."""
    lock_in(layers, limits, scratch)
    tempfile.tempdir = scratch  # the one place where a library may still write
    # torch imports its compiler when an nn.Embedding is made on the meta device, and that wants a folder.
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = scratch
    job, _ = unpack(*receive(channel))
    # The notebooks call these; in here they have nothing to show to anybody.
    for name in job["silent"]:
        setattr(sys.modules["grader"], name, _nothing)
    random.seed(0)
    torch.manual_seed(0)
    scope = new_scope()
    errors = run_cells(job["cells"], scope, (BaseException,))
    loaded = {"errors": [dict(vars(error), bases=list(error.bases)) for error in errors[:20]]}
    loaded["defined"] = [name for name in job["targets"] if name in scope]
    send(channel, pack(loaded, {}))
    # The calls are sent only now: cells that run before any call know nothing of them.
    header, tensors = unpack(*receive(channel))
    calls = decode_calls(header["calls"], tensors)
    for index in range(job["start"], len(calls)):
        sys.setrecursionlimit(1000)
        torch.set_default_dtype(torch.float32)
        send(channel, _answer(index, calls[index], scope, limits["answer_bytes"]))


def _answer(index: int, call: Any, scope: dict[str, Any], most_bytes: int) -> bytes:
    try:
        return pack_outcome(index, perform(call, scope, (BaseException,)), most_bytes)
    except BaseException as error:  # the learner's objects can raise even while they are being described
        return pack_outcome(index, Outcome(raised=describe(error)))


def _nothing(*_: Any, **__: Any) -> None:
    return None
