"""Runs a submission: gives a child its work, collects the answers, and goes on with a fresh one where one ends."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from grader import __all__ as PUBLIC_NAMES
from grader.runner.children import Child, Children, LostError
from grader.runner.limits import Limits
from grader.runner.suitable import suitable_children
from grader.wire.bounds import FRAME, MAX_HEADER_BYTES, WireError
from grader.wire.calls import Call, Outcome, Raised
from grader.wire.channel import ClosedError, LateError
from grader.wire.encoding import Encoder, cell_begun, encode_calls, pack, unpack, unpack_loaded, unpack_outcome
from grader.wire.ended import Ended

MOST_DEATHS = 3
"""A submission whose calls hang or crash this often is not given more children."""
MOST_LOST = 10
"""So often is a submission run again that the grader's own processes failed."""


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


class Runner:
    """Runs submissions in processes of their own. Use as a context manager; safe to use from several threads.

    Args:
        limits: what a submission may use.
        device: where submissions run.
        without: layers to do without.
        children: where processes come from, if not from what suits this system.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        device: str = "cpu",
        without: Sequence[str] = (),
        children: Children | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.device = device
        self._children = children or suitable_children(device, without)

    def __enter__(self) -> Runner:
        self.layers()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(self) -> None:
        """Start what takes long, and do not wait for it."""
        self._children.begin()

    def layers(self) -> tuple[str, ...]:
        """Names of the sandbox layers that keep submissions in."""
        return self._children.layers()

    def close(self) -> None:
        """End every process."""
        self._children.close()

    def abandon(self) -> None:
        """Close for good: threads that still run a submission get a `RunnerError`."""
        self._children.abandon()

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

        Raises:
            LostError: the grader's own processes failed it again and again.
        """
        outcomes: list[Outcome] = []
        run = Run(outcomes)
        deaths, retried, lost = 0, -1, 0
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
            child = self._children.start({**limits.for_child(self.device), "call_seconds": patience})
            end += time.monotonic() - asked  # what has to start first is not the submission's time
            ended = self._one_child(child, job, targets, calls, run, patience, end)
            if ended is None:
                break
            if ended is Ended.LOST:
                lost += 1
                if lost > MOST_LOST:
                    raise LostError(f"the process that runs submissions died {lost} times while this one ran")
                continue
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
        child: Child,
        job: bytes,
        targets: Sequence[str],
        calls: PackedCalls,
        run: Run,
        patience: float,
        end: float,
    ) -> Ended | None:
        """Collect outcomes until the last call (None), or until the child ends (how)."""
        run.loaded, run.cell = False, None
        try:
            child.channel.send(job, end)
            header = self._cells_run(child, run, end)
            run.cell_errors, run.defined = unpack_loaded(header, targets)
            run.loaded = True
            wait = self.limits.backstop(patience)
            child.channel.send(calls.frame, min(end, time.monotonic() + wait))
            while len(run.outcomes) < calls.count:
                deadline = min(end, time.monotonic() + wait)
                frame = child.channel.receive(deadline, *self.limits.most_received)
                index, outcome = unpack_outcome(*unpack(*frame))
                if index != len(run.outcomes):
                    raise WireError("an answer to another call")
                run.outcomes.append(_out_of_memory(outcome))
            return None
        except LateError:
            return Ended.TIMEOUT
        except WireError:
            return Ended.CRASHED
        except ClosedError:
            return child.how_it_ended()
        finally:
            child.close()

    def _cells_run(self, child: Child, run: Run, end: float) -> dict[str, Any]:
        """Note which cell begins, until the report on all of them comes. All that is read for it is one header long."""
        left = MAX_HEADER_BYTES
        while True:
            text, _ = child.channel.receive(end, left, 0)
            left -= FRAME.size + len(text)
            header, _ = unpack(text, b"")
            if "cell" not in header:
                return header
            run.cell = cell_begun(header, after=run.cell or 0)


class PackedCalls:
    """The calls of an exercise, encoded once for all of its submissions."""

    def __init__(self, calls: list[Call]) -> None:
        encoder = Encoder(bounded=False)
        self.count = len(calls)
        self.frame = pack({"calls": encode_calls(calls, encoder)}, encoder.tensors)


def _out_of_memory(outcome: Outcome) -> Outcome:
    raised = outcome.raised
    if raised and (raised.type == "MemoryError" or "can't allocate memory" in raised.message):
        return Outcome(ended=Ended.OUT_OF_MEMORY)
    return outcome
