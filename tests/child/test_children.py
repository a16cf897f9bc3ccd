"""What a child inherits from the warm parent, and that it works there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from grader.runner.runner import PackedCalls, Runner
from grader.wire.calls import Call

THREADS = """
import torch
def f():
    torch.set_num_threads(4)
    x = torch.ones(600, 600, requires_grad=True)
    (x @ x).softmax(-1).sum().backward()
    return float((torch.ones(2**21) * 2).sum()), torch.get_num_threads()
"""


pytestmark = pytest.mark.slow  # they start warm parents


@pytest.fixture(scope="module")
def runner(started_afresh: None) -> Iterator[Runner]:
    """Started where there is a secret in the environment."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ATTN_TEST_SECRET", "secret")
        started = Runner()
        started.layers()
    with started:
        yield started


def test_a_child_may_use_threads_though_its_parent_has_run_torch(runner: Runner) -> None:
    run = runner.run([THREADS], ["f"], PackedCalls([Call("f")]))
    assert run.outcomes[0].ended is None
    assert run.outcomes[0].value == (2.0**22, 4)


@pytest.mark.usefixtures("started_afresh")
def test_children_start_alike(runner: Runner) -> None:
    code = "import random, torch\ndef f():\n    return random.random(), float(torch.rand(())), hash('attention')"
    packed, found = PackedCalls([Call("f")]), []
    with Runner() as another:
        for parent in (runner, another):
            found += [parent.run([code], ["f"], packed).outcomes[0].value for _ in range(2)]
    assert len(set(found)) == 1


def test_children_see_nothing_of_the_environment(runner: Runner) -> None:
    code = "import os\ndef f():\n    return sorted(os.environ)"
    names = runner.run([code], ["f"], PackedCalls([Call("f")])).outcomes[0].value
    assert "ATTN_TEST_SECRET" not in names


def test_modules_can_be_made_on_the_meta_device(runner: Runner) -> None:
    code = (
        "import torch\ndef f():\n    layer = torch.nn.Embedding(3, 5, device='meta')\n    return layer.weight.numel()"
    )
    (outcome,) = runner.run([code], ["f"], PackedCalls([Call("f")])).outcomes
    assert outcome.value == 15, outcome


def test_strides_reach_the_code(runner: Runner) -> None:
    code = "def f(x):\n    return x.stride(), x.is_contiguous()"
    x = torch.ones(3, 4, 5).transpose(0, 2)
    value = runner.run([code], ["f"], PackedCalls([Call("f", (x,))])).outcomes[0].value
    assert value == (x.stride(), False)
