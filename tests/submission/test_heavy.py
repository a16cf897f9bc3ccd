"""A notebook that is cheap to hand in and dear to parse keeps nobody else waiting, and honest large ones are read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.submission import heavy
from grader.submission.contents import UnreadableError
from grader.submission.reader import read_submission

CODE = "x = [1, 2, 3]\ny = '\ud83d\ude00 注意'"


def written(tmp_path: Path, **fields: object) -> Path:
    path = tmp_path / "x.ipynb"
    cell = {"cell_type": "code", "source": CODE.encode("utf-16", "surrogatepass").decode("utf-16"), "metadata": {}}
    path.write_text(json.dumps({"cells": [{**cell, **fields}], "metadata": {}, "nbformat": 4}), encoding="utf-8")
    return path


def test_outputs_of_many_values_are_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, outputs=[{"data": {"plot": [[0, 1]] * heavy.MOST_VALUES}}])
    sizes = list[int]()
    monkeypatch.setattr(heavy, "json", _Noting(sizes))
    assert read_submission(path).cells == read_submission(written(tmp_path, outputs=[])).cells
    assert max(sizes) < 2000  # nothing large was parsed in this process


class _Noting:
    JSONDecodeError = json.JSONDecodeError

    def __init__(self, sizes: list[int]) -> None:
        self.sizes = sizes

    def loads(self, text: str) -> object:
        self.sizes.append(len(text))
        return json.loads(text)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"cells": [' + "[]," * 6_000_000 + "[]]}", "far too much"),
        ('{"cells": [' + "[]," * 500_000, "ends in the middle of line 1"),
        ('{"cells": [' + "[]," * 500_000 + "\n]" + " " * 99, "line 2"),
        ('{"cells": ' + "[" * 500_000, "nested too deeply"),
        ('{"cells": [' + "[]," * 500_000 + "9" * 5000 + "]}", "a number too long"),
    ],
    ids=["small lists", "cut off", "wrong", "deep", "long number"],
)
def test_what_is_wrong_with_it_is_told_as_ever(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "x.ipynb"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UnreadableError, match=said):
        read_submission(path)
