"""The warm parent: it lasts as long as it is wanted, bounds what it takes, and grades alike every time."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import WRONG

from grader.report.model import Report
from grader.runner.limits import Limits
from grader.runner.runner import PackedCalls, Runner
from grader.wire.calls import Call, Opaque


@pytest.mark.slow
@pytest.mark.usefixtures("started_afresh")
def test_the_warm_parent_outlives_the_thread_that_started_it() -> None:
    with contextlib.closing(Runner()) as runner:
        starter = threading.Thread(target=runner.layers)
        starter.start()
        starter.join()
        first = runner._children._process
        while sys.platform == "linux" and Path(f"/proc/self/task/{starter.native_id}").exists():
            time.sleep(0.01)  # joined, it has still to end for the operating system, which would tell its children
        run = runner.run(["def f():\n    return 1"], ["f"], PackedCalls([Call("f")]))
        assert run.outcomes[0].value == 1
        assert runner._children._process is first


def test_an_answer_larger_than_the_limit_is_not_taken() -> None:
    code = "import torch\ndef f(size):\n    return torch.zeros(size, dtype=torch.uint8)"
    calls = PackedCalls([Call("f", (2**20,)), Call("f", (2**20 + 1,))])
    with Runner(Limits(answer_mb=1)) as runner:
        fits, too_large = (outcome.value for outcome in runner.run([code], ["f"], calls).outcomes)
    assert fits.shape == (2**20,)
    assert isinstance(too_large, Opaque)
    assert "too large" in too_large.what


def test_the_same_grade_every_time(grade: Callable[..., Report]) -> None:
    assert len({(report.score, report.diagnosis) for report in (grade(WRONG) for _ in range(5))}) == 1
