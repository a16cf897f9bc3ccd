"""Children that are interpreters of their own: whatever one does costs its call, and it leaves nothing behind.

`walks/test_other_systems.py` runs these as if on macOS and on Windows, where no layer of a sandbox helps.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from helpers import SYSTEM

from grader.runner.limits import Limits
from grader.runner.runner import PackedCalls, Run, Runner
from grader.runner.spawning import SpawnedChildren
from grader.sandbox import LAYERS
from grader.wire.calls import Call
from grader.wire.ended import Ended

pytestmark = [
    pytest.mark.slow,
    pytest.mark.everywhere,
    pytest.mark.skipif(SYSTEM == "linux", reason="run twice by walks/test_other_systems.py"),
]

LIMITS = Limits(call_seconds=1.0, seconds=20.0, memory_mb=256)
CODE = """
import os, subprocess, sys, time

def value(x=1):
    print("noise")
    os.write(1, b"noise")
    print("noise", file=sys.stderr)
    return x

def loop():
    while True:
        pass

def stubborn_loop():
    while True:
        try:
            loop()
        except BaseException:
            pass

def loop_in_c():
    return sum(iter(int, 1))

def wait():
    time.sleep(1000)

def leave():
    os._exit(0)

def crash():
    import ctypes
    ctypes.string_at(0)

def fill_memory():
    kept = []
    while True:
        kept.append(b"x" * 2**24)
        time.sleep(0.001)

def start_another():
    nap = "import time; time.sleep(1000)"
    another = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {nap!r}]).pid, flush=True); {nap}"
    started = subprocess.Popen([sys.executable, "-c", another], stdout=subprocess.PIPE)
    found = [started.pid, int(started.stdout.readline())]
    time.sleep(1)  # long enough to be seen
    return found

def where():
    open("mine.txt", "w").close()
    return os.getcwd()
"""


@pytest.fixture(scope="module")
def children() -> Iterator[SpawnedChildren]:
    started = SpawnedChildren([layer.name for layer in LAYERS])
    yield started
    started.close()


@pytest.fixture(scope="module")
def runner(children: SpawnedChildren) -> Runner:
    return Runner(LIMITS, children=children)


def run(runner: Runner, *names: str) -> Run:
    return runner.run([CODE], ["value"], PackedCalls([Call(name) for name in names]))


def test_what_is_printed_is_no_answer(runner: Runner) -> None:
    assert [outcome.value for outcome in run(runner, "value", "value").outcomes] == [1, 1]


def test_what_takes_too_long_costs_its_call(runner: Runner) -> None:
    ended = [outcome.ended for outcome in run(runner, "loop", "value", "wait", "stubborn_loop", "value").outcomes]
    assert ended == [Ended.TIMEOUT, None, Ended.WAITING, Ended.TIMEOUT, Ended.NOT_RUN]


def test_what_ends_the_process_costs_its_call(runner: Runner) -> None:
    ended = [outcome.ended for outcome in run(runner, "fill_memory", "leave", "crash", "value").outcomes]
    assert ended == [Ended.OUT_OF_MEMORY, Ended.CRASHED, Ended.CRASHED, Ended.NOT_RUN]


def test_a_loop_that_nothing_inside_can_stop_is_stopped_from_outside() -> None:
    limits = Limits(call_seconds=0.5, seconds=2.0)
    with Runner(limits, children=SpawnedChildren([layer.name for layer in LAYERS])) as runner:
        assert [outcome.ended for outcome in run(runner, "loop_in_c", "value").outcomes] == [Ended.TIMEOUT, None]


def test_processes_that_it_started_end_with_it(children: SpawnedChildren) -> None:
    patient = Runner(Limits(call_seconds=60.0, seconds=120.0), children=children)
    (outcome,) = run(patient, "start_another").outcomes
    assert isinstance(outcome.value, list)
    assert len(outcome.value) == 2
    for pid in outcome.value:
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(pid).wait(timeout=60)


def test_what_it_wrote_goes_with_it(runner: Runner) -> None:
    (outcome,) = run(runner, "where").outcomes
    assert isinstance(outcome.value, str)
    assert Path(outcome.value).name.startswith("attn-child-")
    assert not os.path.exists(outcome.value)


def test_a_spare_that_was_killed_is_replaced(runner: Runner, children: SpawnedChildren) -> None:
    children.begin()
    spare = children._spare
    assert spare is not None
    spare._process.kill()
    assert run(runner, "value").outcomes[0].value == 1


def test_closing_ends_every_process() -> None:
    children = SpawnedChildren()
    child = children.start(LIMITS.for_child("cpu"))
    spare = children._spare
    assert spare is not None
    children.close()
    for process in (child._process, spare._process):
        assert process.returncode is not None
