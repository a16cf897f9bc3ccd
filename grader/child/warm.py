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

from grader.child.quota import MOST_IDLE_SECONDS, MOST_THREADS, SCRATCH, too_much
from grader.sandbox import of_process
from grader.sandbox.system import PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG, prctl
from grader.wire.channel import SocketChannel
from grader.wire.ended import Ended, by_signal

TICK_SECONDS = 0.05
LOOK_SECONDS = 1.0


@dataclass
class Child:
    """A child that is running, and where to say how it ended."""

    pid: int
    token: int
    status: int
    scratch: str
    memory_bytes: int
    cpu_seconds: float
    why: Ended | None = None
    """What it is being ended for, if it is."""
    looked: float = field(default_factory=time.monotonic)
    used: int = 0
    """Ticks of CPU time, when it was last looked at."""
    busy: float = field(default_factory=time.monotonic)
    """When they were last seen to grow."""


def main() -> None:
    """Serve fork requests on the control socket until it closes.

    Arguments are the socket's descriptor, the names of layers to do without, separated by commas, and the folder of
    its temporary files where it is its own.
    """
    control = socket.socket(fileno=int(sys.argv[1]))
    layers = [name for name in of_process() if name not in sys.argv[2].split(",")]
    # The kernel could end this process together with its starter, but means by that the thread that started it. The
    # control socket, when it closes, says that the whole trusted process has gone.
    if sys.platform == "linux":
        prctl(PR_SET_CHILD_SUBREAPER, 1)
    from grader.child.rehearsal import get_ready

    get_ready()
    gc.collect()
    gc.freeze()
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_write)
    control.send(json.dumps({"layers": layers}).encode())
    children: dict[int, Child] = {}
    watched, looked = "watchdog" in layers, 0.0
    while True:
        sources: list[Any] = [control, wake_read]
        ready, _, _ = select.select(sources, [], [], TICK_SECONDS if children else None)
        if wake_read in ready:
            os.read(wake_read, 4096)
        _reap(children)
        if watched and wake_read in ready:
            _kill_strays(children)  # a child that has just ended may have left processes behind
        if control in ready and not _serve(control, children, layers):
            break
        if watched and time.monotonic() > looked + TICK_SECONDS:
            _kill_strays(children)
            _watch(children)
            looked = time.monotonic()
    for running in children.values():
        _kill(running)
    _reap(children, wait=True)
    for folder in sys.argv[3:]:
        shutil.rmtree(folder, ignore_errors=True)


def _serve(control: socket.socket, children: dict[int, Child], layers: list[str]) -> bool:
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
    if len(descriptors) < 2:  # this process may open no more: the other side sees both closed
        for descriptor in descriptors:
            os.close(descriptor)
        return True
    channel, status = descriptors
    try:
        scratch = tempfile.mkdtemp(prefix=SCRATCH)
        pid = os.fork()
    except OSError:  # a full disk, no process left: nothing that this submission could help
        _report(status, Ended.LOST)
    else:
        if pid == 0:
            _become_child(channel, layers, request["limits"], scratch)
        children[pid] = Child(pid, request["token"], status, scratch, **_watched(request["limits"]))
    os.close(channel)
    return True


def _report(status: int, why: Ended) -> None:
    """Say how a child ended."""
    with contextlib.suppress(OSError):
        os.write(status, json.dumps({"why": why}).encode())
    os.close(status)


def _watched(limits: dict[str, Any]) -> dict[str, Any]:
    return {name: limits[name] for name in ("memory_bytes", "cpu_seconds")}


def _become_child(channel: int, layers: list[str], limits: dict[str, Any], scratch: str) -> None:
    try:
        from grader.child import child
        from grader.child.clock import SignalClock

        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        if sys.platform == "linux":
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # Nothing of the warm parent's stays open, least of all the pipes in which it reports on other submissions.
        os.closerange(3, channel)
        os.closerange(channel + 1, min(os.sysconf("SC_OPEN_MAX"), 2**20))
        os.chdir(scratch)
        child.run(SocketChannel(socket.socket(fileno=channel)), layers, limits, scratch, SignalClock)
    finally:
        os._exit(0)


def _reap(children: dict[int, Child], wait: bool = False) -> None:
    while True:
        try:
            pid, status, used = os.wait4(-1, os.WUNTRACED if wait else os.WNOHANG | os.WUNTRACED)
        except ChildProcessError:
            break
        if pid == 0:
            break
        if os.WIFSTOPPED(status):
            _end_stopped(pid, children)
            continue
        ended = children.pop(pid, None)
        if ended is None:
            continue
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        # Whoever ignores the kernel's first limit on CPU time is killed at the second.
        late = number == signal.SIGKILL and used.ru_utime + used.ru_stime > ended.cpu_seconds - 1
        why = ended.why or (Ended.TIMEOUT if late else by_signal(number))
        _report(ended.status, why)
        with contextlib.suppress(RecursionError):  # the whole folder goes in the end, or with the trusted process
            shutil.rmtree(ended.scratch, ignore_errors=True)


def _end_stopped(pid: int, children: dict[int, Child]) -> None:
    """A process that was stopped uses no time and would never end; nobody starts it again."""
    if pid in children:
        children[pid].why = Ended.WAITING
        _kill(children[pid])
    else:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def _kill_strays(children: dict[int, Child]) -> None:
    """End what a submission left behind: its orphans become children of this process, whatever session they are in."""
    with contextlib.suppress(OSError):
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="utf-8") as file:
            for pid in map(int, file.read().split()):
                if pid not in children:
                    os.kill(pid, signal.SIGKILL)


def _watch(children: dict[int, Child]) -> None:
    """End children that use too much of what no resource limit counts (memory, threads, files), or wait for ever."""
    if not children:
        return
    own = _usage("self")[0]
    for running in children.values():
        try:
            running.why = running.why or _beyond(running, own)
        except Exception:  # what a child has made of its own names and files ends nobody but itself
            running.why = Ended.CRASHED
        if running.why:
            _kill(running)


def _beyond(running: Child, own: int) -> Ended | None:
    """What a child is to be ended for, if anything."""
    private, threads = _usage(running.pid)
    if _waits(running):
        return Ended.WAITING
    if private > running.memory_bytes + own:
        return Ended.OUT_OF_MEMORY
    if threads > MOST_THREADS or too_much(running.scratch, _on_disk):
        return Ended.CRASHED
    return None


def _usage(pid: int | str) -> tuple[int, int]:
    """Bytes of memory that no file backs, shared memory included, and threads; 0 where it has gone."""
    found = {b"RssAnon": 0, b"RssShmem": 0, b"Threads": 0}
    # As bytes: the process's name stands there too, and it chose that itself.
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", "rb") as file:
        for line in file.read().split(b"\n"):
            name, _, value = line.partition(b":")
            if name in found and value.split()[:1] and value.split()[0].isdigit():
                found[name] = int(value.split()[0])
    return (found[b"RssAnon"] + found[b"RssShmem"]) * 1024, found[b"Threads"]


def _waits(running: Child) -> bool:
    """True for one that has used no CPU time for so long that its own timers must have been silenced."""
    now = time.monotonic()
    if now < running.looked + LOOK_SECONDS:
        return False
    running.looked = now
    used = 0
    with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{running.pid}/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
        used = int(fields[11]) + int(fields[12])
    if used != running.used:
        running.used, running.busy = used, now
    return now > running.busy + MOST_IDLE_SECONDS


def _on_disk(found: os.stat_result) -> int:
    return found.st_blocks * 512


def _kill(running: Child) -> None:
    """Kill a child and whatever is in its session; it is not reaped yet, so its number is still its own."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(running.pid, signal.SIGKILL)
