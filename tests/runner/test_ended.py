"""How a child ended is told by the signal that ended it, in the same words on both sides."""

from __future__ import annotations

import json
import signal

import pytest

from grader.runner.runner import PackedCalls, Runner
from grader.session import Session
from grader.wire.calls import Call
from grader.wire.ended import Ended

CODE = """
import os, signal
def end(number):
    if number not in (0, signal.SIGKILL):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number) if number else os._exit(0)
"""


@pytest.fixture(scope="module")
def runner(session: Session) -> Runner:
    return session.runner


@pytest.mark.parametrize(
    ("number", "how"),
    [
        (signal.SIGPROF, Ended.TIMEOUT),
        (signal.SIGXCPU, Ended.TIMEOUT),
        (signal.SIGALRM, Ended.WAITING),
        (signal.SIGSEGV, Ended.CRASHED),
        (signal.SIGKILL, Ended.CRASHED),  # once, it may be somebody else's; this comes again
        (0, Ended.CRASHED),
    ],
)
def test_how_a_call_ended(runner: Runner, number: int, how: Ended) -> None:
    run = runner.run([CODE], ["end"], PackedCalls([Call("end", (int(number),))]))
    assert [outcome.ended for outcome in run.outcomes] == [how]
    assert run.loaded


def test_how_a_cell_ended(runner: Runner) -> None:
    run = runner.run([CODE, "end(signal.SIGALRM)", "import os; os._exit(0)"], ["end"], PackedCalls([Call("end", (0,))]))
    assert run.ended_cells == {2: Ended.WAITING, 3: Ended.CRASHED}


def test_it_travels_as_the_word_that_it_is() -> None:
    for how in Ended:
        assert json.dumps(how) == f'"{how}"'
        assert Ended(json.loads(json.dumps(how))) is how
