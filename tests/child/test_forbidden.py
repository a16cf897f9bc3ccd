"""A forbidden operation is not there, whatever road leads to it; afterwards it is there again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from grader.authoring import LIBRARY_ATTENTION
from grader.child.execute import perform
from grader.child.forbidden import ForbiddenOperationError, taken_away, touched
from grader.wire.calls import Call

X = torch.randn(2, 2, 3, 4)
SCRIPT = """graph(%x : Tensor):
  %none : NoneType = prim::Constant()
  %zero : float = prim::Constant[value=0.]()
  %false : bool = prim::Constant[value=0]()
  %y : Tensor = aten::scaled_dot_product_attention(%x, %x, %x, %none, %zero, %false, %none, %false)
  return (%y)"""


def _in_a_thread(x: Tensor) -> None:
    found = list[Any]()

    def catching() -> None:
        try:
            found.append(F.scaled_dot_product_attention(x, x, x))
        except RuntimeError as error:
            found.append(error)

    thread = threading.Thread(target=catching)
    thread.start()
    thread.join()
    if isinstance(found[0], Exception):
        raise found[0]


def _without_overrides(x: Tensor) -> Tensor:
    with torch._C.DisableTorchFunction():
        return torch._C._nn.scaled_dot_product_attention(x, x, x)


def _on_nested(x: Tensor) -> Tensor:
    nested = torch.nested.nested_tensor(list(x))
    return F.scaled_dot_product_attention(nested, nested, nested)


def _fast_path(x: Tensor) -> Tensor:
    with torch.no_grad():
        return nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).eval()(x[0])


ROADS: dict[str, Callable[[Tensor], Any]] = {
    "its name": lambda x: F.scaled_dot_product_attention(x, x, x),
    "the operation": lambda x: torch.ops.aten.scaled_dot_product_attention.default(x, x, x),
    "its kernel": lambda x: torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(x, x, x),
    "its parts": lambda x: torch.ops.aten._scaled_dot_product_attention_math(x, x, x),
    "no overrides": _without_overrides,
    "a script": lambda x: torch._C._create_function_from_graph("f", torch._C.parse_ir(SCRIPT))(x),
    "a thread": _in_a_thread,
    "vmap": torch.vmap(lambda x: F.scaled_dot_product_attention(x, x, x)),
    "a gradient": torch.func.grad(lambda x: F.scaled_dot_product_attention(x, x, x).sum()),
    "nested tensors": _on_nested,
    "a layer": lambda x: nn.MultiheadAttention(4, 2)(x[0], x[0], x[0]),
    "the fast path of a layer": _fast_path,
}


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("road", ROADS)
def test_every_road_meets_the_wall(road: str) -> None:
    touched.clear()
    with taken_away(LIBRARY_ATTENTION), pytest.raises(RuntimeError, match="is not there"):
        ROADS[road](X)
    assert touched


def test_afterwards_all_is_there_again() -> None:
    before = F.scaled_dot_product_attention(X, X, X), checkpoint(torch.sin, X, use_reentrant=False)
    with taken_away(("scaled_dot_product_attention", "checkpoint")):
        with taken_away(("scaled_dot_product_attention",)):  # it is away already, and stays so
            pass
        for call in (ROADS["its name"], lambda x: checkpoint(torch.sin, x, use_reentrant=False)):
            with pytest.raises(ForbiddenOperationError):
                call(X)
    after = F.scaled_dot_product_attention(X, X, X), checkpoint(torch.sin, X, use_reentrant=False)
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))


def test_what_merely_has_the_name_is_left_alone() -> None:
    code = "def f(x, dropout=0.5):\n    return dropout_(x)\ndef dropout_(x):\n    return x + 1"
    scope: dict[str, Any] = {}
    exec(code, scope)
    outcome = perform(Call("f", (torch.ones(2),), watched=("dropout", "dropout_")), scope)
    assert outcome.raised is None
    assert not outcome.seen


def test_a_call_whose_error_is_swallowed_is_still_a_call() -> None:
    def f(x: Tensor) -> Tensor:
        try:
            return F.scaled_dot_product_attention(x, x, x)
        except RuntimeError:
            return x

    outcome = perform(Call("f", (X,), watched=LIBRARY_ATTENTION), {"f": f})
    assert outcome.seen == ["scaled_dot_product_attention"]
    assert outcome.value is not None
