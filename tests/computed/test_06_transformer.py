"""What the exercises of 06-transformer quote."""

from __future__ import annotations

import ast

import pytest
import torch
from helpers import ROOT
from quoting import count, quoted, reference
from torch import nn

from grader.course.course import find_course
from grader.course.script import read_script


def pictured(exercise: str) -> list[list[float]]:
    """The numbers that the exercise's picture is drawn of."""
    script = read_script(find_course(ROOT).solution(exercise) / "notebook.py")
    (picture,) = (cell for cell in script.cells if "demo" in cell.tags)
    called = ast.parse(picture.source).body[-1]
    assert isinstance(called, ast.Expr)
    assert isinstance(called.value, ast.Call)
    numbers: list[list[float]] = ast.literal_eval(called.value.args[0])
    return numbers


def test_transformer_in_brief() -> None:
    counted = reference("transformer_in_brief")["transformer_parameters"]
    quoted("transformer_in_brief", str(counted(10, 4, 2, 8)), str(counted(10, 4, 2, 8, tied=False)))
    V, E, N, F = 50_257, 768, 12, 3072
    whole, embedding, matrices = counted(V, E, N, F), V * E, 12 * N * E**2
    quoted("transformer_in_brief", *map(count, (whole, 1024 * E, whole + 1024 * E, matrices, embedding)))
    quoted("transformer_in_brief", count(matrices + embedding), count(4 * E), count(2 * E))
    untied = counted(V, E, N, F, tied=False) + 1024 * E
    quoted("transformer_in_brief", (f"{untied / 1e6:.0f} million", f"{untied / 1e8:.2f} 亿"))
    quoted("transformer_in_brief", f"{13 / (12 * E):.2%}", f"{embedding / whole:.0%}", f"{32_000 * 4096 / 6.7e9:.0%}")
    parts = (embedding, N * 4 * (E * E + E), N * (2 * E * F + F + E), 4 * E * N + 2 * E)
    assert sum(parts) == whole
    assert [pytest.approx(part / whole, abs=5e-4) for part in parts] == pictured("transformer_in_brief")[0]


def test_transformer_block() -> None:
    E = 768
    quoted("transformer_block", count(12 * E**2 + 13 * E))
    block = reference("transformer_block")["TransformerBlock"](64, 4, 256)
    assert sum(parameter.numel() for parameter in block.parameters()) == 12 * 64**2 + 13 * 64


@pytest.mark.slow
@pytest.mark.parametrize("norm_first", [False, True])
def test_gradients_of_the_last_block(norm_first: bool) -> None:
    block = reference("transformer_block")["TransformerBlock"]
    norms = []
    for blocks in (6, 24):
        torch.manual_seed(0)
        stack = nn.Sequential(*[block(64, 4, 256, norm_first) for _ in range(blocks)])
        last = nn.LayerNorm(64) if norm_first else nn.Identity()
        logits = nn.Linear(64, 100)(last(stack(torch.randn(8, 16, 64))))
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), torch.randint(100, (128,)))
        (gradient,) = torch.autograd.grad(loss, [stack.get_parameter(f"{blocks - 1}.ff2.weight")])
        norms.append(gradient.norm().item())
    assert norms == pytest.approx([0.24, 0.16] if norm_first else [0.27, 0.26], abs=0.01)


def test_attention_vs_rnn_cnn() -> None:
    path_length = reference("attention_vs_rnn_cnn")["path_length"]
    assert [path_length(kind, 9, 5) for kind in ("attention", "rnn", "cnn")] == [1, 8, 4]
    quoted("attention_vs_rnn_cnn", str(path_length("cnn", 1000)), str((1000 - 1).bit_length()))


def test_training_recipe() -> None:
    warmup_lr = reference("training_recipe")["warmup_lr"]
    quoted("training_recipe", f"{(6 / 128) ** 0.5:.4f}", *(f"{warmup_lr(step, 16, 4):g}" for step in (1, 4, 16)))
    assert pictured("training_recipe") == [
        [pytest.approx(warmup_lr(step, 16, warmup), abs=6e-4) for step in range(1, 11)] for warmup in (4, 8)
    ]
    peak = warmup_lr(4000, 512, 4000)
    quoted("training_recipe", (f"{peak * 1e4:.0f}·10⁻⁴", f"{peak * 1e4:.0f}·10⁻⁴"))
    quoted("training_recipe", f"{0.02 / 24**0.5:.3f}", f"{(2 / (2 * 768)) ** 0.5:.3f}")
    E = 768
    small = 12 * (4 * E + 4 * E + E + 2 * 2 * E) + 2 * E
    whole = 50_257 * E + 1024 * E + 12 * 12 * E**2 + small
    quoted("training_recipe", count(small), count(whole), f"{small / whole:.1%}")


@pytest.mark.parametrize(("optimizer", "spread", "left"), [("Adam", 10, "0.99"), ("Adam", 0.1, "0.46")])
def test_decay_inside_adam(optimizer: str, spread: float, left: str) -> None:
    assert f"{weight_left(optimizer, spread):.2f}" == left
    quoted("training_recipe", left)


@pytest.mark.parametrize("spread", [10, 0.1])
def test_decay_beside_adam(spread: float) -> None:
    assert weight_left("AdamW", spread) == pytest.approx(0.905, abs=2e-3)
    quoted("training_recipe", "0.905")


def weight_left(optimizer: str, spread: float) -> float:
    """The mean of weights that were 1, after 1,000 steps of random gradients."""
    torch.manual_seed(0)
    weights = nn.Parameter(torch.ones(500))
    steps = getattr(torch.optim, optimizer)([weights], lr=0.001, weight_decay=0.1)
    for _ in range(1000):
        weights.grad = torch.randn(500) * spread
        steps.step()
    return weights.mean().item()
