"""The case that a report shows: chosen so that the mistake is seen, and ready to be made again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from helpers import RIGHT, WRONG

import grader
from grader.report.model import Report

Grade = Callable[..., Report]
UNMASKED = RIGHT.replace("if mask is None", "if True")


def made_again(report: Report, code: str) -> Any:
    """What comes of an example's code where a submission is defined."""
    assert report.example
    scope: dict[str, Any] = {}
    exec(code, scope)
    *lines, last = report.example.code.splitlines()
    exec("\n".join(lines), scope)
    return eval(last, scope)


def test_the_smallest_public_case_shows_the_weights(grade: Grade) -> None:
    report = grade(WRONG)
    assert report.example
    assert report.example.comparison
    assert (report.example.check.en, report.example.hidden) == ("no leading axes", False)
    shown = report.example.comparison
    assert (shown.name, shown.kind, shown.size) == ("weights", "weights", (3, 4))
    assert {column for row, column in shown.wrong if row == 0} == {0, 1, 2, 3}


@pytest.mark.parametrize("code", [WRONG, UNMASKED], ids=["inputs written out", "inputs from the course"])
def test_its_code_gives_the_numbers_that_are_shown(grade: Grade, code: str) -> None:
    report = grade(code)
    assert report.example
    assert report.example.comparison
    again, shown = made_again(report, code).tolist(), report.example.comparison.got
    for i, row in enumerate(shown):
        assert [abs(float(text) - again[i][j]) < 6e-3 for j, text in enumerate(row)] == [True] * len(row)


def test_a_leak_is_seen_where_nothing_should_be(grade: Grade) -> None:
    example = grade(UNMASKED).example
    assert example
    assert example.comparison
    shown = example.comparison
    leaks = [(i, j) for i, j in shown.wrong if shown.expected[i][j] == "0"]
    assert (0, 6) in leaks


def test_what_is_passed_by_position_has_its_name(grade: Grade) -> None:
    in_place = RIGHT.replace("(q, k, v, mask=None):\n", "(q, k, v, mask=None):\n    k.mul_(2)\n    k = k / 2\n")
    said = " ".join(check.message.en for check in grade(in_place).checks)
    assert "changes its input in place (k)" in said
    detached = RIGHT.replace("(q, k, v, mask=None):\n", "(q, k, v, mask=None):\n    q = q.detach()\n")
    assert "No gradient reaches q" in " ".join(check.message.en for check in grade(detached).checks)


def test_nothing_is_shown_of_what_is_right_or_not_there(grade: Grade) -> None:
    assert grade(RIGHT).example is None
    assert grade("x = 1").example is None


def test_inputs_are_the_learner_s_own_copies() -> None:
    first = grader.inputs("masked_softmax", "a matrix of scores")
    first.args[0].zero_()
    assert bool(grader.inputs("masked_softmax", "a matrix of scores").args[0].any())
    with pytest.raises(ValueError, match="no case 'a matrix of score'; did you mean a matrix of scores"):
        grader.inputs("masked_softmax", "a matrix of score")
