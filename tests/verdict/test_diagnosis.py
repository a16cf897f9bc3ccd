"""The root cause comes first, also in code unlike the reference, and for mistakes that nobody has described."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from grader.report.model import Report

Grade = Callable[..., Report]
HEAD = "import torch\ndef scaled_dot_product_attention(q, k, v, mask=None):\n"


def attention(scores: str, weights: str = "weights = torch.nan_to_num(scores.softmax(-1))", tail: str = "") -> str:
    masked = "scores = scores if mask is None else scores.masked_fill(~mask, -torch.inf)"
    lines = [f"scores = {scores}", masked, weights, tail or "return weights @ v, weights"]
    return HEAD + "".join(f"    {line}\n" for line in lines)


GOOD_SCORES = "torch.einsum('...ld,...sd->...ls', q, k) * q.size(-1) ** -0.5"


def test_right_in_this_style(grade: Grade) -> None:
    assert grade(attention(GOOD_SCORES)).passed


def test_two_mistakes_are_both_named(grade: Grade) -> None:
    report = grade(attention("q @ k.mT", "weights = scores.softmax(-1)"))
    assert [found.mistake for found in report.diagnosis] == ["no-scale", "empty-rows-nan"]


def test_an_unknown_scale_is_still_scaling(grade: Grade) -> None:
    report = grade(attention("q @ k.mT * (q.shape[-1] + 1) ** -0.5"))
    assert report.diagnosis[0].mistake == "unknown"
    assert report.diagnosis[0].family == "scaling"
    assert "multiplied by" in report.diagnosis[0].message.en


def test_an_unknown_normalisation(grade: Grade) -> None:
    report = grade(attention(GOOD_SCORES, "weights = scores.softmax(-1).nan_to_num() ** 2"))
    assert report.diagnosis[0].family == "normalization"
    assert "sum to" in report.diagnosis[0].message.en


def test_an_unknown_leak_says_who_sees_what(grade: Grade) -> None:
    leak = "scores = scores if mask is None else scores.masked_fill(~mask.roll(1, -1), -torch.inf)"
    code = HEAD + f"    scores = {GOOD_SCORES}\n    {leak}\n    weights = torch.nan_to_num(scores.softmax(-1))\n"
    report = grade(code + "    return weights @ v, weights\n")
    assert report.diagnosis[0].family == "masking"


def test_wrong_shape(grade: Grade) -> None:
    report = grade(attention(GOOD_SCORES, tail="return (weights @ v).mT, weights"))
    assert report.diagnosis[0].family == "shape"
    assert "shape" in report.diagnosis[0].message.en


def test_wrong_return(grade: Grade) -> None:
    report = grade(attention(GOOD_SCORES, tail="return weights @ v"))
    assert report.diagnosis[0].family == "interface"
    assert "(output, weights)" in report.diagnosis[0].message.en


def test_wrong_signature(grade: Grade) -> None:
    report = grade("def scaled_dot_product_attention(q, k): return q")
    assert report.diagnosis[0].family == "interface"
    assert "TypeError" in report.diagnosis[0].message.en


def test_the_mistake_is_said_in_chinese_too(grade: Grade) -> None:
    report = grade(attention("q @ k.mT"))
    assert "缩放" in report.diagnosis[0].message.zh
    assert report.to_json("zh")["diagnosis"][0]["message"] == report.diagnosis[0].message.zh


@pytest.mark.parametrize(
    "use",
    [
        "F.scaled_dot_product_attention(q, k, v, mask)",
        "getattr(F, 'scaled_dot_' + 'product_attention')(q, k, v, mask)",
        "torch.ops.aten.scaled_dot_product_attention(q, k, v, mask)",
        "vars(F)['scaled_dot_product_attention'](q, k, v, attn_mask=mask)",
    ],
)
def test_the_library_is_noticed_under_any_name(grade: Grade, use: str) -> None:
    tail = f"return {use}, weights"
    code = "import torch.nn.functional as F\n" + attention(GOOD_SCORES, tail=tail)
    report = grade(code)
    assert not report.passed
    assert report.diagnosis[0].family == "rules"


def test_comparing_with_the_library_in_a_scratch_cell_is_no_mistake(grade: Grade) -> None:
    scratch = (
        "\nimport torch.nn.functional as F\nx = torch.randn(2, 3, 4)\n"
        "theirs = F.scaled_dot_product_attention(x, x, x)\n"
        "assert torch.allclose(theirs, scaled_dot_product_attention(x, x, x)[0], atol=1e-5)"
    )
    assert grade(attention(GOOD_SCORES) + scratch).passed
