"""What exercise a file's name stands for."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.submission.find import find
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


def test_what_a_workspace_has_beside_answers_is_not_graded(tmp_path: Path) -> None:
    beside = ("00_start.ipynb", "kept/05_masked_softmax_2026.ipynb", "interviews/2026-11-29_12-00-00.ipynb")
    for name in (".attn/workspace.json", *beside, "01/05_a.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}", encoding="utf-8")
    found = find([tmp_path])
    assert [work.path.name for work in found.work] == ["05_a.ipynb"]
    said = {passed.path.name: passed.reason.en for passed in found.passed_over}
    assert said["00_start.ipynb"] == "the start page of a workspace"
    assert said["kept"] == "copies of what was there before a reset"
    assert said["interviews"] == "interviews, graded when they are handed in"
    (tmp_path / ".attn" / "workspace.json").unlink()
    (tmp_path / ".attn").rmdir()
    assert len(find([tmp_path]).work) == 4
