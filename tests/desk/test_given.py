"""``check`` grades the object that it is given, under whatever name, in the grader's modes."""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from helpers import EXERCISE, RIGHT, WRONG
from torch import nn

from grader import check, hint
from grader.desk import given
from grader.submission.uses import forbidden_uses

MODULE = "multi_head_attention"


def defined(code: str, name: str = EXERCISE) -> Any:
    scope: dict[str, Any] = {}
    exec(code, scope)
    return scope[name]


right, wrong = defined(RIGHT), defined(WRONG)


class Attention(nn.Module):
    def forward(self, q: Any, k: Any, v: Any, mask: Any = None) -> Any:
        return right(q, k, v, mask)


def mine(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    return right(q, k, v, mask)


@pytest.fixture
def gradients_off() -> Iterator[None]:
    before = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    yield
    torch.set_grad_enabled(before)


@pytest.mark.parametrize(
    "target",
    [mine, functools.partial(right), Attention(), lambda q, k, v, mask=None: right(q, k, v, mask)],
    ids=["another name", "partial", "module", "lambda"],
)
def test_whatever_can_be_called(target: Any) -> None:
    assert check(target, exercise=EXERCISE).passed


def test_what_is_given_is_graded_though_the_name_exists() -> None:
    globals()[EXERCISE] = right
    try:
        assert not check(wrong, exercise=EXERCISE).passed
        assert not check(lambda q, k, v, mask=None: wrong(q, k, v, mask), exercise=EXERCISE).passed
        assert check(exercise=EXERCISE).passed
    finally:
        del globals()[EXERCISE]


def test_the_name_is_found_by_identity() -> None:
    globals()[EXERCISE] = called_otherwise = Attention()
    try:
        assert check(called_otherwise).passed
    finally:
        del globals()[EXERCISE]


def test_an_object_stands_for_its_class(session: Any) -> None:
    cls = defined(session.grader(MODULE).key.reference, "MultiHeadAttention")
    assert check(cls).passed
    assert check(cls(12, 3)).passed
    renamed = type("Mine", (cls,), {})
    assert check(renamed, exercise=MODULE).passed


def test_a_hint_for_another_name() -> None:
    also = right
    assert repr(hint(also)).startswith("**")


@pytest.mark.usefixtures("gradients_off")
def test_gradients_that_are_off_in_the_kernel_are_on_in_the_check() -> None:
    assert check(right).passed

    def detached(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
        return right(q.detach(), k, v, mask)

    report = check(detached, exercise=EXERCISE).report
    assert not report.passed
    assert report.diagnosis[0].family == "gradient"
    assert not torch.is_grad_enabled()


def test_random_states_are_left_alone() -> None:
    torch.manual_seed(3)
    random.seed(3)
    expected = torch.rand(2), random.random()
    torch.manual_seed(3)
    random.seed(3)
    check(right)
    found = torch.rand(2), random.random()
    assert torch.equal(found[0], expected[0])
    assert found[1] == expected[1]


def test_what_cannot_be_called_is_said() -> None:
    with pytest.raises(ValueError, match="function or class itself"):
        check(3)


def test_what_the_other_names_of_a_notebook_are() -> None:
    import torch.nn.functional as functional

    scope = {"F": functional, "config": object(), "f": len, "class": 1, "not a name": 2}
    said = given.surroundings(["f"], scope)
    assert said == "import torch.nn.functional as F\nconfig = None"
    code = "def f(q):\n    return {}.dropout(q)\n"
    assert forbidden_uses([code.format("F"), said], ["f"], ["dropout"])
    assert not forbidden_uses([code.format("config"), said], ["f"], ["dropout"])
