"""The child: locks itself in, runs the learner's cells, makes the calls, writes what came of them to its channel."""

from __future__ import annotations

import contextlib
import io
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from tokenize import detect_encoding
from typing import Any

from grader.child import accelerator  # noqa: F401 - a probe asks for it, when no file can be read any more
from grader.child.cells import Cells, new_scope
from grader.child.clock import Clock, StoppedError
from grader.child.execute import cell_of, describe, perform, seed
from grader.child.forbidden import taken_away
from grader.child.imports import guarded_in
from grader.child.modes import leave_levels, set_neutral
from grader.child.quota import keep_small
from grader.child.shell import History, Shell, quiet, unseen
from grader.child.standin import Imports, StandIn
from grader.sandbox import lock_in
from grader.wire.bounds import MAX_ERRORS
from grader.wire.calls import Outcome, Raised
from grader.wire.channel import Channel
from grader.wire.encoding import decode_calls, pack, pack_outcome, unpack
from grader.wire.ended import Ended

LEAST_CELL_SECONDS = 1.0
"""What a cell may compute however long those before it took: the answer may stand in it."""


def run(
    channel: Channel,
    layers: Sequence[str],
    limits: dict[str, Any],
    scratch: str,
    clock_of: Callable[[float, float], Clock],
) -> None:
    """Serve one submission. Whatever goes wrong ends this process and nothing else.

    Args:
        channel: to the trusted side.
        layers: those of the sandbox that are put on.
        limits: as the trusted side gives them.
        scratch: the folder to write in.
        clock_of: makes the clock, of the seconds that code may wait and those that the process may compute.
    """
    lock_in(layers, limits, scratch)
    keep_small(scratch)
    tempfile.tempdir = scratch  # the one place where a library may still write
    # torch imports its compiler when an nn.Embedding is made on the meta device, and that wants a folder.
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.environ["MPLCONFIGDIR"] = scratch
    job, _ = unpack(*channel.receive())
    # The notebooks call these; in here they have nothing to show to anybody.
    for name in job["silent"]:
        setattr(sys.modules["grader"], name, unseen)
    clock = clock_of(limits["call_seconds"], limits["cpu_seconds"])
    scope = _run_cells(channel, job, clock, limits["cells_seconds"], scratch)
    _calm()  # the tensors of the calls are made under no mode of the notebook's, either
    # The calls are sent only now: cells that run before any call know nothing of them.
    header, tensors = unpack(*channel.receive(), bounded=False)
    calls = decode_calls(header["calls"], tensors)
    with taken_away({name for call in calls for name in call.watched}):
        for index in range(job["start"], len(calls)):
            with contextlib.suppress(OSError):  # a process that gave its rights away stays where it is
                os.chdir(scratch)
            _calm()
            channel.send(_answer(index, calls[index], scope, clock, limits))


def _calm() -> None:
    """Whatever was left on, a call begins as in a process that was just started; but threads may be as many as set."""
    sys.setrecursionlimit(1000)
    sys.settrace(None)
    sys.setprofile(None)
    leave_levels()
    set_neutral(without=frozenset({"threads"}))


def _run_cells(channel: Channel, job: dict[str, Any], clock: Clock, seconds: float, scratch: str) -> dict[str, Any]:
    """The namespace that the cells make up; how they went is sent, and before each, that it begins."""
    random.seed(0)
    seed(0, job["device"])
    scope = _kernel_scope(job, scratch)
    imports = Imports(scope, guarded_in(job["cells"]))
    for name in ("IPython", "IPython.display", "IPython.core.display"):
        imports.provide(name, get_ipython=scope["get_ipython"], display=quiet, clear_output=quiet)
    imports.install()
    end = time.process_time() + seconds

    def limit() -> AbstractContextManager[None]:
        return clock.limit(max(LEAST_CELL_SECONDS, end - time.process_time()))

    history = History(scope)
    cells = Cells(scope, (BaseException,), limit, history.keep)
    for number, cell in enumerate(job["cells"], 1):
        if cell.strip() and number not in job["skip"]:
            channel.send(pack({"cell": number}, {}))
            history.begin(cell)
            cells.run(number, cell)
    missing = [
        Raised("MissingLibraryError", (), name, line, cell_of(file)) for name, (file, line) in imports.missing.items()
    ]
    loaded = [dict(vars(error), bases=list(error.bases)) for error in [*missing, *cells.errors][:MAX_ERRORS]]
    defined = [name for name in job["targets"] if name in scope and not isinstance(scope[name], StandIn)]
    channel.send(pack({"errors": loaded, "defined": defined}, {}))
    return scope


def _kernel_scope(job: dict[str, Any], scratch: str) -> dict[str, Any]:
    """The namespace of a kernel that has just been started, or of a script; helper modules lie in the folder."""
    for name, text in job["files"].items():
        with open(name, "w", encoding=_declared(text), errors="replace") as file:
            file.write(text)
    sys.path.append(scratch)
    scope = new_scope("__main__", display=quiet, input=_nobody_answers)
    shell = Shell(scope)
    scope["get_ipython"] = lambda: shell
    sys.argv = [os.path.join(scratch, job["script"])] if job["script"] else [os.path.join(scratch, "kernel")]
    if job["script"]:
        scope["__file__"] = sys.argv[0]
    return scope


def _declared(text: str) -> str:
    """The coding in which Python will read a file with this text."""
    try:
        return detect_encoding(io.BytesIO(text.encode(errors="replace")).readline)[0]
    except SyntaxError:
        return "utf-8"


_asked: list[str] = []


def _nobody_answers(prompt: object = "") -> str:
    """``input()`` meets the end of a file; asked again and again, it ends the statement that asks."""
    _asked.append("")
    if len(_asked) % 10 == 0:
        raise StoppedError(Ended.WAITING)
    raise EOFError("nobody is there to answer input()")


def _answer(index: int, call: Any, scope: dict[str, Any], clock: Clock, limits: dict[str, Any]) -> bytes:
    outcome = None
    try:
        with clock.limit(limits["call_seconds"]):
            outcome = perform(call, scope, (Exception, SystemExit, GeneratorExit, KeyboardInterrupt))
            packed = pack_outcome(index, outcome, limits["answer_bytes"])
    except StoppedError as error:
        # What was interrupted in the middle may be in any state: a fresh child makes the next call.
        clock.end(error.reason)
    except BaseException as error:  # the learner's objects can raise even while they are being described
        packed = pack_outcome(index, Outcome(raised=describe(error)))
    return packed
