"""The trusted side of the runner: starts the warm parent, gives children their work, and enforces the clock."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import select
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from grader import __all__ as PUBLIC_NAMES
from grader.runner.limits import Limits
from grader.runner.process import WarmProcess, may_be_wrapped
from grader.wire import channel
from grader.wire.bounds import FRAME, MAX_HEADER_BYTES, WireError
from grader.wire.calls import Call, Outcome, Raised
from grader.wire.encoding import Encoder, cell_begun, encode_calls, pack, unpack, unpack_loaded, unpack_outcome
from grader.wire.ended import Ended

MOST_DEATHS = 3
"""A submission whose calls hang or crash this often is not given more children."""


@dataclass
class Run:
    """What came of running one submission: an outcome for every call, and how its cells went."""

    outcomes: list[Outcome]
    cell_errors: list[Raised] = field(default_factory=list)
    defined: list[str] = field(default_factory=list)
    loaded: bool = False
    """Whether the last process came to the end of the cells."""
    cell: int | None = None
    """The cell that was running last."""
    ended_cells: dict[int, Ended] = field(default_factory=dict)
    """Cells that ended the process, with how; it was started again without them."""


class RunnerError(Exception):
    """The grader itself cannot run submissions."""


class WarmParent:
    """A warm parent process. Use as a context manager; safe to use from several threads.

    Args:
        limits: what a submission may use.
        device: where submissions run.
        without: layers to do without.
        early: a process that was started before, with the same device and layers.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        device: str = "cpu",
        without: Sequence[str] = (),
        early: WarmProcess | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.device = device
        self.without = frozenset(without)
        self._layers: tuple[str, ...] = ()
        self._abandoned = False
        self._lock = threading.Lock()
        self._tokens = itertools.count(1)
        self._early = early
        self._process: WarmProcess | None = None

    def __enter__(self) -> WarmParent:
        self.layers()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def layers(self) -> tuple[str, ...]:
        """Names of the sandbox layers that keep children in."""
        with self._lock:
            self._started()
            return self._layers

    def close(self) -> None:
        """End the warm parent and, with it, every child."""
        with self._lock:
            self._stop()

    def abandon(self) -> None:
        """Close for good: threads that still want a child get a `RunnerError`, and no new warm parent."""
        with self._lock:
            self._abandoned = True
            self._stop()

    def run(
        self,
        cells: Sequence[str],
        targets: Sequence[str],
        calls: PackedCalls,
        files: Mapping[str, str] = MappingProxyType({}),
        script: str = "",
    ) -> Run:
        """Run a submission's cells, then the calls, in a fresh child after each cell or call that does not come back.

        Args:
            cells: Python, in order; empty texts count.
            targets: the names that the submission should define.
            calls: what is called.
            files: texts of files that lie beside the submission, by name.
            script: the submission's own file name where it is a script.
        """
        outcomes: list[Outcome] = []
        run = Run(outcomes)
        deaths, retried = 0, -1
        limits = self.limits
        end = time.monotonic() + limits.backstop(limits.seconds)
        program = {
            "cells": list(cells),
            "targets": list(targets),
            "silent": PUBLIC_NAMES,
            "device": self.device,
            "files": dict(files),
            "script": script,
        }
        while len(outcomes) < calls.count:
            job = pack({**program, "start": len(outcomes), "skip": sorted(run.ended_cells)}, {})
            # After a call that hung, the next ones get less time: a submission that always hangs is soon told so.
            patience = limits.call_seconds / (1 + 2 * deaths)
            asked = time.monotonic()
            child = self._fork({**limits.for_child(self.device), "call_seconds": patience})
            end += time.monotonic() - asked  # a warm parent that has to start first is not the submission's time
            ended = self._one_child(child, job, targets, calls, run, patience, end)
            if ended is None:
                break
            if ended is Ended.KILLED and retried != len(outcomes):
                retried = len(outcomes)  # somebody else's SIGKILL is no fault of the submission's: once more
                continue
            ended = Ended.CRASHED if ended is Ended.KILLED else ended
            deaths += 1
            if not run.loaded:
                another = run.cell in range(1, len(cells) + 1) and run.cell not in run.ended_cells
                if run.cell is not None and another and len(run.ended_cells) < MOST_DEATHS:
                    run.ended_cells[run.cell] = ended
                    deaths -= 1  # what cells cost, the calls do not pay for
                    continue
                outcomes += [Outcome(ended=ended) for _ in range(calls.count - len(outcomes))]
                break
            outcomes.append(Outcome(ended=ended, seconds=patience if ended is Ended.TIMEOUT else None))
            if deaths >= MOST_DEATHS or time.monotonic() > end:
                outcomes += [Outcome(ended=Ended.NOT_RUN) for _ in range(calls.count - len(outcomes))]
        return run

    def _one_child(
        self,
        child: tuple[socket.socket, int, int],
        job: bytes,
        targets: Sequence[str],
        calls: PackedCalls,
        run: Run,
        patience: float,
        end: float,
    ) -> Ended | None:
        """Collect outcomes until the last call (None), or until the child ends (how)."""
        ours, status, token = child
        run.loaded, run.cell = False, None
        try:
            channel.send(ours, job, end)
            header = self._cells_run(ours, run, end)
            run.cell_errors, run.defined = unpack_loaded(header, targets)
            run.loaded = True
            wait = self.limits.backstop(patience)
            channel.send(ours, calls.frame, min(end, time.monotonic() + wait))
            while len(run.outcomes) < calls.count:
                deadline = min(end, time.monotonic() + wait)
                frame = channel.receive(ours, deadline, *self.limits.most_received)
                index, outcome = unpack_outcome(*unpack(*frame))
                if index != len(run.outcomes):
                    raise WireError("an answer to another call")
                run.outcomes.append(_out_of_memory(outcome))
            return None
        except channel.LateError:
            return Ended.TIMEOUT
        except WireError:
            return Ended.CRASHED
        except channel.ClosedError:
            self._kill(token)
            return _how_it_ended(status)
        finally:
            self._kill(token)
            ours.close()
            os.close(status)

    def _cells_run(self, ours: socket.socket, run: Run, end: float) -> dict[str, Any]:
        """Note which cell begins, until the report on all of them comes. All that is read for it is one header long."""
        left = MAX_HEADER_BYTES
        while True:
            text, _ = channel.receive(ours, end, left, 0)
            left -= FRAME.size + len(text)
            header, _ = unpack(text, b"")
            if "cell" not in header:
                return header
            run.cell = cell_begun(header, after=run.cell or 0)

    def _fork(self, limits: dict[str, Any]) -> tuple[socket.socket, int, int]:
        ours, theirs = socket.socketpair()
        ours.settimeout(self.limits.backstop(self.limits.seconds))
        status_read, status_write = os.pipe()
        token = next(self._tokens)
        try:
            for last_try in (False, True):
                with self._lock:
                    process = self._started()
                    request = {"token": token, "limits": limits}
                    try:
                        process.send(request, [theirs.fileno(), status_write])
                        return ours, status_read, token
                    except OSError:  # the warm parent was killed: a new one serves as well
                        self._stop()
                        if last_try:
                            raise RunnerError("The process that runs submissions keeps dying.") from None
        finally:
            theirs.close()
            os.close(status_write)
        raise AssertionError

    def _kill(self, token: int) -> None:
        with self._lock, contextlib.suppress(OSError):
            if self._process is not None:
                self._process.send({"kill": token})

    def _started(self) -> WarmProcess:
        """The process; called with the lock held."""
        if self._abandoned:
            raise RunnerError("The run was given up.")
        while self._process is None:
            early, self._early = self._early, None
            process = early or WarmProcess(self.without, may_be_wrapped(self.device, self.without))
            layers = process.layers()
            if layers is None and process.wrapped:
                process = WarmProcess(self.without)
                layers = process.layers()
            if layers is not None:
                self._process, self._layers = process, layers
            elif early is None:
                raise RunnerError("The process that runs submissions does not start; see `attn doctor`.")
        return self._process

    def _stop(self) -> None:
        for process in (self._early, self._process):
            if process is not None:
                process.stop()
        self._early = self._process = None


class PackedCalls:
    """The calls of an exercise, encoded once for all of its submissions."""

    def __init__(self, calls: list[Call]) -> None:
        encoder = Encoder()
        self.count = len(calls)
        self.frame = pack({"calls": encode_calls(calls, encoder)}, encoder.tensors)


def _how_it_ended(status: int) -> Ended:
    ready, _, _ = select.select([status], [], [], 5.0)
    report = os.read(status, 4096) if ready else b""
    if not report:  # the warm parent itself has gone
        return Ended.KILLED
    return Ended(json.loads(report)["why"])


def _out_of_memory(outcome: Outcome) -> Outcome:
    raised = outcome.raised
    if raised and (raised.type == "MemoryError" or "can't allocate memory" in raised.message):
        return Outcome(ended=Ended.OUT_OF_MEMORY)
    return outcome
