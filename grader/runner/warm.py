"""The warm parent: a process that has imported torch, and forks a child for every submission.

It is started fresh (never forked from the trusted process), so its memory, which every child inherits, holds no
reference, no expected value and no secret. It runs no tensor operation itself: a child forked after a parallel
operation would hang at its own first one.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any

from grader.sandbox import available
from grader.sandbox.system import PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG, prctl

TICK_SECONDS = 0.05


@dataclass
class Child:
    """A child that is running, and where to say how it ended."""

    pid: int
    token: int
    status: int
    scratch: str
    memory_bytes: int
    why: str | None = None
    started: float = field(default_factory=time.monotonic)


def main() -> None:
    """Serve fork requests on the control socket (descriptor given as the first argument) until it closes."""
    control = socket.socket(fileno=int(sys.argv[1]))
    if sys.platform == "linux":
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        prctl(PR_SET_CHILD_SUBREAPER, 1)
    import torch
    import torch.fx.experimental.symbolic_shapes  # else every child pays for it at its first backward pass

    from grader.runner import child  # noqa: F401

    torch.set_num_threads(1)
    gc.collect()
    gc.freeze()
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_write)
    control.send(json.dumps({"layers": available()}).encode())
    children: dict[int, Child] = {}
    while True:
        sources: list[Any] = [control, wake_read]
        ready, _, _ = select.select(sources, [], [], TICK_SECONDS if children else None)
        if wake_read in ready:
            os.read(wake_read, 4096)
        _reap(children)
        if control in ready and not _serve(control, children, (control.fileno(), wake_read, wake_write)):
            break
        _watch_memory(children)
    for running in children.values():
        _kill(running)
    _reap(children, wait=True)


def _serve(control: socket.socket, children: dict[int, Child], own: tuple[int, ...]) -> bool:
    """Answer one request; False when the trusted process has gone."""
    message, descriptors, _, _ = socket.recv_fds(control, 4096, 2)
    if not message:
        return False
    request = json.loads(message)
    if "kill" in request:
        for running in children.values():
            if running.token == request["kill"]:
                _kill(running)
        return True
    channel, status = descriptors
    scratch = tempfile.mkdtemp(prefix="attn-child-")
    pid = os.fork()
    if pid == 0:
        _become_child(request, channel, scratch, (*own, status))
    os.close(channel)
    children[pid] = Child(pid, request["token"], status, scratch, request["limits"]["memory_bytes"])
    return True


def _become_child(request: dict[str, Any], channel: int, scratch: str, to_close: tuple[int, ...]) -> None:
    try:
        from grader.runner import child

        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        if sys.platform == "linux":
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for descriptor in to_close:
            os.close(descriptor)
        os.chdir(scratch)
        child.run(socket.socket(fileno=channel), request["layers"], request["limits"], scratch)
    finally:
        os._exit(0)


def _reap(children: dict[int, Child], wait: bool = False) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, 0 if wait else os.WNOHANG)
        except ChildProcessError:
            break
        if pid == 0:
            break
        ended = children.pop(pid, None)
        if ended is None:
            continue
        report = {"signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, "why": ended.why}
        with contextlib.suppress(OSError):
            os.write(ended.status, json.dumps(report).encode())
        os.close(ended.status)
        shutil.rmtree(ended.scratch, ignore_errors=True)
    _kill_strays(children)


def _kill_strays(children: dict[int, Child]) -> None:
    """End what a submission left behind: its orphans become children of this process, whatever session they are in."""
    with contextlib.suppress(OSError):
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            for pid in map(int, file.read().split()):
                if pid not in children:
                    os.kill(pid, signal.SIGKILL)


def _watch_memory(children: dict[int, Child]) -> None:
    page = os.sysconf("SC_PAGE_SIZE")
    for running in children.values():
        try:
            with open(f"/proc/{running.pid}/statm") as file:
                _, resident, shared, *_ = map(int, file.read().split())
        except (OSError, ValueError):
            continue
        if (resident - shared) * page > running.memory_bytes + _own_private_bytes():
            running.why = "out_of_memory"
            _kill(running)


def _own_private_bytes() -> int:
    with open("/proc/self/statm") as file:
        _, resident, shared, *_ = map(int, file.read().split())
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")


def _kill(running: Child) -> None:
    """Kill a child and whatever is in its session; it is not reaped yet, so its number is still its own."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(running.pid, signal.SIGKILL)
