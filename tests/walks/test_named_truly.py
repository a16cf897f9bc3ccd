"""The first sentence is true of the submission: cases that people met, and variants of each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from grader.report.model import Report

CASES = Path(__file__).parents[1] / "cases"
Grade = Callable[..., Report]


@pytest.fixture
def graded(grade: Grade) -> Callable[..., Report]:
    """The report of a case; of a variant of it, where pieces of its text are replaced."""

    def report(case: str, *replaced: tuple[str, str]) -> Report:
        (file,) = (CASES / case).iterdir()
        code = file.read_text(encoding="utf-8")
        for old, new in replaced:
            assert old in code
            code = code.replace(old, new)
        return grade(code, file.stem)

    return report


STOPS = "            self.p = 0.0\n"


@pytest.mark.parametrize(
    "replaced",
    [
        (),
        ((STOPS, "            self.off = True\n"), ("if self.p == 0:", "if getattr(self, 'off', self.p == 0):")),
        (
            ("if not self.training:\n" + STOPS, "self.on = getattr(self, 'on', self.training)\n"),
            ("self.p == 0:", "not self.on:"),
        ),
        (
            ("if not self.training:\n" + STOPS, "self.on = getattr(self, 'on', 0) or self.training\n"),
            ("self.p == 0:", "not self.on:"),
        ),
    ],
)
def test_mode_kept(graded: Callable[..., Report], replaced: tuple[tuple[str, str], ...]) -> None:
    report = graded("B01a_dropout_off_for_ever", *replaced)
    first = report.diagnosis[0]
    assert report.score < report.max_score
    assert first.mistake == "mode-kept"
    assert "train()" in first.message.en
    assert "eval()" in first.message.en


def test_mode_is_not_whether_gradients_are_recorded(graded: Callable[..., Report]) -> None:
    recorded = (
        ("if not self.training:\n" + STOPS, "pass\n"),
        ("if self.p == 0:", "if not self.training or not torch.is_grad_enabled():"),
    )
    report = graded("B01a_dropout_off_for_ever", *recorded)
    assert report.score < report.max_score
    assert report.diagnosis[0].mistake == "mode-from-gradients"


def test_mode_asked_in_every_call_is_right(graded: Callable[..., Report]) -> None:
    report = graded(
        "B01a_dropout_off_for_ever",
        ("if not self.training:\n" + STOPS, "pass\n"),
        ("self.p == 0:", "self.p == 0 or not self.training:"),
    )
    assert report.score == report.max_score


def test_an_exception_names_no_second_mistake(graded: Callable[..., Report]) -> None:
    report = graded("C05_aligned_at_the_end")
    assert report.diagnosis[0].mistake == "aligned-bottom-right"
    assert not any("clip" in line.message.en for line in report.diagnosis)


@pytest.mark.parametrize(
    "replaced",
    [
        (),
        (("ts, grad)", "ts, grad, allow_unused=True)"),),
        (
            (
                "[a for a in args if torch.is_tensor(a)]",
                "[a for a in args if torch.is_tensor(a) and a.is_floating_point()]",
            ),
            ("next(gs) if torch.is_tensor(a)", "next(gs) if torch.is_tensor(a) and a.is_floating_point()"),
        ),
    ],
)
def test_gradient_asked_of_a_mask_or_a_constant(
    graded: Callable[..., Report], replaced: tuple[tuple[str, str], ...]
) -> None:
    first = graded("C04_grad_of_a_mask", *replaced).diagnosis[0]
    assert first.mistake == "gradient-of-every-tensor"
    assert "that require none" in first.message.en


ATTENDS = "y = self.attention(x, x, x, key_padding_mask=safe)"
MEAN = "(y * keep).sum(1) / keep.sum(1).clamp_min(1)"
PAIRS = [
    (),
    ((ATTENDS, "y = x + self.attention(x, x, x, key_padding_mask=safe)"),),
    ((MEAN, "y.mean(1)"),),
    ((MEAN, "y[:, 0]"),),
    ((MEAN, "y"),),
    ((MEAN, "torch.where(keep > 0, y, x).mean(1)"),),
    ((MEAN, "torch.cat([x, y]).mean(1)"),),
    ((MEAN, "(keep.mT @ y).squeeze(1)"),),
]


@pytest.mark.parametrize("replaced", PAIRS)
def test_pair_not_unpacked(graded: Callable[..., Report], replaced: tuple[tuple[str, str], ...]) -> None:
    first = graded("C07_tuple_not_unpacked", *replaced).diagnosis[0]
    assert first.mistake == "pair-not-unpacked"
    assert "pair (output, weights)" in first.message.en


@pytest.mark.parametrize("other", ["x.mean(1, 2, 3)", "x.view(1.5)", "x.means(1)", "self.classifier(x, x)", "len(3)"])
def test_other_type_errors_are_not_said_to_be_a_pair(graded: Callable[..., Report], other: str) -> None:
    report = graded("C07_tuple_not_unpacked", (ATTENDS, "y = x"), (MEAN, other))
    assert report.diagnosis[0].mistake != "pair-not-unpacked"


@pytest.mark.parametrize(
    ("axis", "named", "said"),
    [
        ("", "softmax-without-axis", "no axis"),
        (", dim=None", "softmax-without-axis", "no axis"),
        (", dim=0", "softmax-over-first-axis", "axis 0"),
        (", dim=1", "softmax-over-second-axis", "axis 1"),
        (", dim=-2", "softmax-over-queries", "over the queries"),
    ],
)
def test_axis_of_the_softmax(graded: Callable[..., Report], axis: str, named: str, said: str) -> None:
    diagnosis = graded("C01a_softmax_without_dim", ("-1))\n", f"-1){axis})\n")).diagnosis
    assert [line.mistake for line in diagnosis] == [named]
    assert said in diagnosis[0].message.en


WHERE = "torch.where(total > 0, e / total, torch.zeros_like(e))"


@pytest.mark.parametrize(
    "patched", [WHERE, "(e / total).nan_to_num(0.0)", "(e / total).masked_fill(~(total > 0), 0.0)"]
)
def test_zero_over_zero(graded: Callable[..., Report], patched: str) -> None:
    first = graded("C02_where_zero_by_zero", (WHERE, patched)).diagnosis[0]
    assert first.mistake == "zero-over-zero"
    assert "denominator is zero" in first.message.en
    assert "−∞" not in first.message.en


def test_nan_gradient_of_right_values_is_true_of_both_causes(graded: Callable[..., Report]) -> None:
    hidden_first = (
        (
            'scores.masked_fill(~mask, float("-inf"))',
            '(scores := scores + torch.zeros_like(scores).masked_fill(~mask, float("-inf")))',
        ),
        (".amax(dim, keepdim=True)", ".amax(dim, keepdim=True).clamp_min(-1e30)"),
    )
    first = graded("C02_where_zero_by_zero", *hidden_first, (" * mask\n", "\n")).diagnosis[0]
    assert first.mistake == "nan-gradient"
    assert "denominator of zero" in first.message.en
    assert "masked_fill" in first.message.en
