"""A device without float64, as Apple's GPUs are: nothing there is asked for in that dtype. One is pretended here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from helpers import EXERCISE
from torch.utils._python_dispatch import TorchDispatchMode

from grader.child.execute import _fresh_inputs, _target, cotangent
from grader.child.modes import neutral_modes
from grader.course.authored import Authored
from grader.course.course import LocatedCourse
from grader.values.tree import tensors
from grader.wire.calls import Call

DEVICE = "meta"


class WithoutFloat64(TorchDispatchMode):
    """Refuses what would make a tensor of float64 on the device."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for _, tensor in tensors(result):
            if tensor.device.type == DEVICE and tensor.dtype == torch.float64:
                raise TypeError("this device has no float64")
        return result


class Encoded(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", torch.zeros(3, dtype=torch.float64))


@pytest.fixture
def limited() -> Iterator[None]:
    with WithoutFloat64():
        yield


@pytest.mark.usefixtures("limited")
@pytest.mark.slow
def test_the_device_of_these_tests_has_no_float64() -> None:
    with pytest.raises(TypeError, match="no float64"):
        torch.zeros(2, dtype=torch.float64, device=DEVICE)


@pytest.mark.usefixtures("limited")
def test_gradients_are_taken_along_a_vector_of_the_outputs_dtype() -> None:
    along = cotangent(torch.zeros(2, 3, device=DEVICE))
    assert (along.shape, along.dtype, along.device.type) == ((2, 3), torch.float32, DEVICE)


@pytest.mark.usefixtures("limited")
def test_a_module_with_a_buffer_in_float64_gets_there() -> None:
    module = _target(Call("Encoded", init=(), device=DEVICE), {"Encoded": Encoded})
    assert (module.table.dtype, module.table.device.type) == (torch.float32, DEVICE)


@pytest.mark.parametrize(("device", "lacking"), [("cpu", "float16"), ("mps", "float64"), ("cuda:0", None)])
def test_nobody_is_asked_for_a_dtype_that_the_device_lacks(
    course: LocatedCourse, device: str, lacking: str | None
) -> None:
    authored = Authored(course.solution(EXERCISE), device)
    questions = authored.key(6.0).questions
    asked = {question.call.dtype for question in questions}
    assert asked == {"float32", "float64", "float16", "bfloat16"} - {lacking}
    for question in questions:
        assert question.call.device == device
        for _, tensor in tensors(question.right.value):
            assert tensor.device.type == "cpu"
    if device == "mps":
        inputs = [tensor for question in questions for _, tensor in tensors((question.call.args, question.call.kwargs))]
        assert torch.float64 not in {tensor.dtype for tensor in inputs}


def test_autocast_that_was_left_on_for_it_is_off_in_a_call() -> None:
    torch.set_autocast_enabled("mps", True)
    with neutral_modes():
        assert not torch.is_autocast_enabled("mps")
    assert torch.is_autocast_enabled("mps")
    torch.set_autocast_enabled("mps", False)


def test_inputs_get_to_the_device() -> None:
    (given,), _, _ = _fresh_inputs(Call("f", (torch.ones(2),), device=DEVICE))
    assert given.device.type == DEVICE
