"""The warm parent and its children: what a child inherits, and that it works there."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from helpers import WRONG

from grader.report.model import Report
from grader.runner.limits import Limits
from grader.runner.pool import PackedCalls, WarmParent
from grader.wire.calls import Call, Opaque

THREADS = """
import torch
def f():
    torch.set_num_threads(4)
    x = torch.ones(600, 600, requires_grad=True)
    (x @ x).softmax(-1).sum().backward()
    return float((torch.ones(2**21) * 2).sum()), torch.get_num_threads()
"""


@pytest.fixture(scope="module")
def runner() -> Iterator[WarmParent]:
    """Started where there is a secret in the environment."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ATTN_TEST_SECRET", "secret")
        started = WarmParent()
        started.layers()
    with started:
        yield started


def test_a_child_may_use_threads_though_its_parent_has_run_torch(runner: WarmParent) -> None:
    run = runner.run([THREADS], ["f"], PackedCalls([Call("f")]))
    assert run.outcomes[0].ended is None
    assert run.outcomes[0].value == (2.0**22, 4)


def test_the_warm_parent_outlives_the_thread_that_started_it() -> None:
    with contextlib.closing(WarmParent()) as runner:
        starter = threading.Thread(target=runner.layers)
        starter.start()
        starter.join()
        first = runner._process
        while sys.platform == "linux" and Path(f"/proc/self/task/{starter.native_id}").exists():
            time.sleep(0.01)  # joined, it has still to end for the operating system, which would tell its children
        run = runner.run(["def f():\n    return 1"], ["f"], PackedCalls([Call("f")]))
        assert run.outcomes[0].value == 1
        assert runner._process is first


def test_children_start_alike(runner: WarmParent) -> None:
    code = "import random, torch\ndef f():\n    return random.random(), float(torch.rand(())), hash('attention')"
    packed, found = PackedCalls([Call("f")]), []
    with WarmParent() as another:
        for parent in (runner, another):
            found += [parent.run([code], ["f"], packed).outcomes[0].value for _ in range(2)]
    assert len(set(found)) == 1


def test_children_see_nothing_of_the_environment(runner: WarmParent) -> None:
    code = "import os\ndef f():\n    return sorted(os.environ)"
    names = runner.run([code], ["f"], PackedCalls([Call("f")])).outcomes[0].value
    assert "ATTN_TEST_SECRET" not in names


def test_an_answer_larger_than_the_limit_is_not_taken() -> None:
    code = "import torch\ndef f(size):\n    return torch.zeros(size, dtype=torch.uint8)"
    calls = PackedCalls([Call("f", (2**20,)), Call("f", (2**20 + 1,))])
    with WarmParent(Limits(answer_mb=1)) as runner:
        fits, too_large = (outcome.value for outcome in runner.run([code], ["f"], calls).outcomes)
    assert fits.shape == (2**20,)
    assert isinstance(too_large, Opaque)
    assert "too large" in too_large.what


def test_modules_can_be_made_on_the_meta_device(runner: WarmParent) -> None:
    code = (
        "import torch\ndef f():\n    layer = torch.nn.Embedding(3, 5, device='meta')\n    return layer.weight.numel()"
    )
    (outcome,) = runner.run([code], ["f"], PackedCalls([Call("f")])).outcomes
    assert outcome.value == 15, outcome


def test_strides_reach_the_code(runner: WarmParent) -> None:
    code = "def f(x):\n    return x.stride(), x.is_contiguous()"
    x = torch.ones(3, 4, 5).transpose(0, 2)
    value = runner.run([code], ["f"], PackedCalls([Call("f", (x,))])).outcomes[0].value
    assert value == (x.stride(), False)


def test_the_same_grade_every_time(grade: Callable[..., Report]) -> None:
    assert len({(report.score, report.diagnosis) for report in (grade(WRONG) for _ in range(5))}) == 1
