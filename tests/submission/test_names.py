"""What exercise a file's name stands for."""

from __future__ import annotations

import pytest

from grader.submission.names import possible_exercises


@pytest.mark.parametrize(
    "name",
    [
        "masked_softmax.ipynb",
        "02_masked_softmax.ipynb",
        "2 - masked_softmax (1).py",
        "12.masked_softmax-Copy1.ipynb.txt",
        "05_Masked_Softmax_2.py",
    ],
)
def test_a_number_in_front_is_a_place_in_the_course(name: str) -> None:
    assert "masked_softmax" in possible_exercises(name)


def test_a_name_that_begins_with_a_number_comes_first_as_it_is() -> None:
    assert possible_exercises("2_heads.py")[0] == "2_heads"
    assert possible_exercises("02_.py")[0] == "02_"
