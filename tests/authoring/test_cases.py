"""Cases say what is wrong with them where they are written; `standard` gives the same question in other forms."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch import Tensor

from grader.authoring import Case, Inputs, built, call, standard


def masked() -> Any:
    inputs = Inputs("seed")
    vector, flags = inputs.normal(4), inputs.mask(3, 4)
    return call(inputs.normal(2, 3, 4), [inputs.normal(5, 4, 3), vector], 7, mask=flags)


def test_another_memory_order_with_the_same_values() -> None:
    case = next(standard(masked))
    first, (second, vector), number = case.called.args
    mask = case.called.kwargs["mask"]
    plain = masked()
    for mine, before in ((first, plain.args[0]), (second, plain.args[1][0]), (mask, plain.kwargs["mask"])):
        assert torch.equal(mine, before)
        assert not mine.is_contiguous()
        assert before.is_contiguous()
    assert torch.equal(vector, plain.args[1][1])
    assert number == 7
    assert case.family == "shape"
    assert first.transpose(-2, -1).is_contiguous(), "the last two axes of one"
    assert second.transpose(0, 1).is_contiguous(), "the first two of the next"


def test_modules_too() -> None:
    case = next(standard(lambda: built(4).train()(torch.ones(2, 4), x=torch.ones(2, 3))))
    assert (case.called.init, case.called.training) == ((4,), True)
    assert not case.called.args[0].is_contiguous()
    assert not case.called.kwargs["x"].is_contiguous()


def test_in_every_dtype_with_inputs_of_its_own() -> None:
    inputs = Inputs("seed")
    cases = list(standard(lambda: call(inputs.normal(2, 3)), strides=False))
    assert [(case.reason, case.dtype, case.family) for case in cases] == [
        (dtype, dtype, "dtype") for dtype in ("float64", "bfloat16", "float16")
    ]
    first, second, third = (case.called.args[0] for case in cases)
    assert isinstance(first, Tensor)
    assert not torch.equal(first, second)
    assert not torch.equal(second, third)


def test_what_is_left_out_and_what_is_added() -> None:
    cases = list(standard(masked, dtypes=("float64",), target="f", tolerance=0.1, gradients=True))
    assert [case.reason for case in cases] == ["memory in another order (non-contiguous)", "float64"]
    assert {(case.target, case.tolerance, case.gradients) for case in cases} == {("f", 0.1, True)}


def test_a_module_is_called_and_set_up_in_either_order() -> None:
    assert built(4, p=1).train()(2, x=3) == built(4, p=1)(2, x=3).train()
    assert built(4).as_initialised()(2) == built(4)(2).as_initialised()
    assert built(4).args is None, "built, and not called"
    assert built(4)().args == ()


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        ((call(1),), {}, "a Case takes its reason first, then call(...) or built(...)(...)"),
        (("why", torch.ones(2)), {}, "a Case takes its reason first"),
        (("why", call(1)), {"family": "scalling"}, "family='scalling' is none of interface, shape, "),
        (("why", call(1)), {"dtype": "float8"}, "dtype='float8' is none of float32, float64, bfloat16, float16"),
        (("why", call(1)), {"raises": ValueError}, "raises=<class 'ValueError'> is a name: 'ValueError'"),
    ],
)
def test_what_is_wrong_with_a_case_is_said(arguments: tuple[Any, ...], options: dict[str, Any], said: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(said)):
        Case(*arguments, **options)


def test_standard_takes_a_function() -> None:
    with pytest.raises(TypeError, match=re.escape("standard(lambda: call(...))")):
        list(standard(call(torch.ones(2))))
