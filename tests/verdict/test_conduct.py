"""What is wrong with how an answer is made is named by its sign, in whichever calls it shows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from helpers import RIGHT

from grader.report.model import Report

Grade = Callable[..., Report]
HEAD = "def scaled_dot_product_attention(q, k, v, mask=None):\n"
RETURN = "    return torch.matmul(weights, v), weights"


def named(report: Report) -> list[str]:
    return [diagnosis.mistake for diagnosis in report.diagnosis]


@pytest.mark.parametrize(
    ("slug", "old", "new"),
    [
        ("inputs-changed", HEAD, HEAD + "    q.clamp_(max=3.0)\n"),  # changes something in some calls
        ("inputs-changed", HEAD, HEAD + "    k.data.mul_(2.0).div_(2.0000001)\n"),
        ("library-called", HEAD, HEAD + "    torch.nn.functional.scaled_dot_product_attention(q, k, v)\n"),
        ("returns-float32", RETURN, "    return torch.matmul(weights, v).float(), weights"),
        ("returns-float32", RETURN, "    return torch.matmul(weights, v), weights.float()"),
        ("result-detached", RETURN, "    return torch.matmul(weights, v).detach(), weights.detach()"),
    ],
)
def test_conduct_is_named(grade: Grade, slug: str, old: str, new: str) -> None:
    assert old in RIGHT
    report = grade(RIGHT.replace(old, new))
    assert report.score < report.max_score
    assert slug in named(report)


def test_a_right_answer_has_no_sign(grade: Grade) -> None:
    assert named(grade(RIGHT)) == []
