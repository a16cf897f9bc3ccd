"""Partial credit is earned by something that can be seen, in whatever way the rest is wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from grader.report.model import Report
from grader.session import Session

Grade = Callable[..., Report]
FUNCTION = "scaled_dot_product_attention"
MODULE = "multi_head_attention"


def passed(report: Report) -> set[str]:
    return {check.name for check in report.checks if check.passed}


def in_module(session: Session, forward: str) -> str:
    """The reference of the module, its forward pass replaced."""
    text = session.grader(MODULE).key.reference
    other = f"def forward(self, query, key, value, mask=None):\n    {forward}\n"
    return f"{text}\n\n{other}MultiHeadAttention.forward = forward\n"


@pytest.mark.parametrize("answer", ["None", "torch.zeros(1)", "(None, None)", "1 / 0"])
def test_nothing_of_the_right_form_earns_nothing(grade: Grade, answer: str) -> None:
    report = grade(f"import torch\ndef {FUNCTION}(q, k, v, mask=None):\n    return {answer}\n")
    assert report.score == 0
    assert passed(report) == set()
    assert report.diagnosis


@pytest.mark.parametrize("answer", ["None", "torch.zeros(1)", "1 / 0"])
def test_layers_count_though_their_module_does_not_work(session: Session, grade: Grade, answer: str) -> None:
    report = grade(in_module(session, f"return {answer}"), MODULE)
    seen = passed(report) - {"called and answers as specified", "embed_dim 6 in 4 heads"}
    assert len(seen) == 2
    assert all(name.startswith("layers by the names asked for") for name in seen)


def test_the_right_form_counts_though_the_numbers_are_wrong(session: Session, grade: Grade) -> None:
    report = grade(in_module(session, "return self.out_proj(query)"), MODULE)
    assert {"called and answers as specified", "shapes", "dtype and device", "written by hand"} <= passed(report)
    assert "self-attention" not in passed(report)


def test_what_is_not_a_number_is_nothing_to_a_judge(session: Session, grade: Grade) -> None:
    report = grade(in_module(session, "return query * float('nan')"), MODULE)
    questions = session.grader(MODULE).key.questions
    judged = {asked.reason for asked in questions if asked.fault and not asked.call.own_parameters}
    assert len(judged) >= 3
    assert not judged & passed(report)


def test_a_weight_decay_that_is_not_a_number_is_wrong(session: Session, grade: Grade) -> None:
    exercise = "training_recipe"
    text = session.grader(exercise).key.reference
    assert grade(text, exercise).passed
    report = grade(text.replace('"weight_decay": weight_decay', '"weight_decay": float("nan")'), exercise)
    assert not any(name.startswith("groups:") for name in passed(report))
