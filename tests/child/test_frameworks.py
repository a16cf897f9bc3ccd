"""Parts of torch that bring its compiler, or that read source code, work in a child as they do in a notebook."""

from __future__ import annotations

import pytest
import torch

from grader.runner.runner import PackedCalls, Runner
from grader.wire.calls import Call

pytestmark = pytest.mark.slow  # it starts a warm parent

CODE = """
import inspect
import torch
from torch.utils.checkpoint import checkpoint

@torch.compile
def compiled(x):
    return 2 * x

def compiled_module(x):
    return torch.compile(torch.nn.Identity())(x) + x

def checkpointed(x):
    x = x.clone().requires_grad_()
    checkpoint(lambda t: t * t, x, use_reentrant=False).sum().backward()
    return x.grad

def optimised(x):
    parameter = torch.nn.Parameter(x.clone())
    optimiser = torch.optim.AdamW([parameter], lr=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda epoch: 1.0)
    (parameter * parameter).sum().backward()
    optimiser.step()
    schedule.step()
    return parameter.grad

def mapped(x):
    return torch.func.vmap(torch.func.grad(lambda t: (t * t).sum()))(x)

@torch.jit.script
def scripted(x):
    return x + x

def read(x):
    return x + x if "def read" in inspect.getsource(read) else x
"""


@pytest.fixture(scope="module")
def outcomes() -> dict[str, object]:
    names = ["compiled", "compiled_module", "checkpointed", "optimised", "mapped", "scripted", "read"]
    with Runner() as runner:
        run = runner.run([CODE], names, PackedCalls([Call(name, (torch.ones(2, 3),)) for name in names]))
    assert run.cell_errors == []
    return dict(zip(names, run.outcomes, strict=True))


@pytest.mark.parametrize(
    "name", ["compiled", "compiled_module", "checkpointed", "optimised", "mapped", "scripted", "read"]
)
def test_twice_the_input(outcomes: dict[str, object], name: str) -> None:
    outcome = outcomes[name]
    assert torch.equal(outcome.value, torch.full((2, 3), 2.0)), outcome
