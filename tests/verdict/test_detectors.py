"""Each detector sees what it is for, and says it with what it found; the one that comes first is believed."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from grader.verdict import detectors, messages
from grader.verdict.detectors import DETECTORS, Detector, seen_in

SCORES = torch.linspace(-1, 1, 12, dtype=torch.float64).view(3, 4).sin()
CAUSAL = torch.ones(3, 4, dtype=torch.bool).tril()
WEIGHTS = SCORES.softmax(-1)
SQUARE = torch.arange(9.0, dtype=torch.float64).view(3, 3).cos()
GROWING = torch.tensor([[0.01], [0.02], [0.04], [0.08], [0.16], [0.32]])
MASKED = SCORES.masked_fill(~CAUSAL, -torch.inf).softmax(-1)

EXAMPLES = {
    "some_are_nan": (WEIGHTS.masked_fill(WEIGHTS > 0.3, torch.nan), WEIGHTS, {"wrong": 2, "entries": 12}),
    "attends_to_hidden": (WEIGHTS, MASKED, {"query": 0, "key": 1}),
    "columns_sum_to_1": (SCORES.softmax(-2), WEIGHTS, {}),
    "rows_do_not_sum_to_1": (WEIGHTS * torch.tensor([[1.0], [1.0], [3.0]]), WEIGHTS, {"worst": 3.0}),
    "temperature": ((SCORES * 0.5).softmax(-1), WEIGHTS, {"factor": 0.5}),
    "constant_factor": (SCORES * 2, SCORES, {"factor": 2.0}),
    "other_order": (SQUARE.T, SQUARE, {"order": "1, 0"}),
    "partly_right": (SCORES + torch.tensor([[0.0], [1.0], [2.0]]), SCORES, {"axis": 0, "right": "0", "wrong": "1–2"}),
    "error_grows": (torch.ones(6, 1) + GROWING, torch.ones(6, 1), {"axis": 0, "first": 0.01, "last": 0.32}),
}
"""By detector: an answer, the right one, and what is found. One that is new needs an example."""


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.look.__name__)
def test_what_each_sees(detector: Detector) -> None:
    mine, right, found = EXAMPLES[detector.look.__name__]
    seen = seen_in(mine, right, weights=detector.in_weights)
    assert seen is not None
    assert seen.detector is detector
    assert seen.found == pytest.approx(found)
    assert "{" not in detector.says.format(**seen.found).en


@pytest.mark.parametrize(
    ("mine", "right", "weights"),
    [
        (WEIGHTS, WEIGHTS, True),
        (MASKED, MASKED, True),
        (MASKED.masked_fill(~CAUSAL, 1e-9), MASKED, True),  # a score of -20 in place of minus infinity
        (WEIGHTS.bfloat16(), WEIGHTS, False),
        (SCORES * 1.001, SCORES, False),
        (torch.zeros(3, 4), torch.zeros(3, 4), True),
    ],
)
def test_where_only_rounding_differs_there_is_nothing_to_see(mine: Tensor, right: Tensor, weights: bool) -> None:
    assert seen_in(mine, right, weights) is None


def test_rows_are_looked_at_in_weights_only() -> None:
    mine, right, _ = EXAMPLES["rows_do_not_sum_to_1"]
    seen = seen_in(mine, right, weights=False)
    assert seen is not None
    assert not seen.detector.in_weights
    assert seen_in(mine[0], right[0], weights=True) is None  # there are no rows


def test_other_shapes_and_whole_numbers_show_nothing() -> None:
    assert seen_in(WEIGHTS[:2], WEIGHTS, weights=True) is None
    assert seen_in(torch.zeros(0, 4), torch.zeros(0, 4), weights=True) is None
    assert seen_in(2 * torch.arange(3), torch.arange(3), weights=False) is None


def test_one_more_is_a_function_and_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_zero(mine: Tensor, right: Tensor) -> dict[str, object] | None:
        return None if bool(mine.any()) else {}

    line = Detector(all_zero, "interface", messages.NOT_FINITE)
    monkeypatch.setattr(detectors, "DETECTORS", (*DETECTORS, line))
    seen = seen_in(torch.zeros(3), torch.ones(3), weights=False)
    assert seen is not None
    assert seen.detector is line
