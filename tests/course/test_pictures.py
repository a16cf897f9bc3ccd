"""Every picture that a notebook draws is shown: of the values that a cell computes, Jupyter shows the last alone."""

from __future__ import annotations

import ast

import pytest
from helpers import EXERCISES

from grader.course.course import LocatedCourse
from grader.course.script import read_script


@pytest.mark.parametrize("exercise", EXERCISES)
def test_no_picture_is_lost(course: LocatedCourse, exercise: str) -> None:
    for cell in read_script(course.solution(exercise) / "notebook.py").code:
        tree = ast.parse(cell.source)
        computed = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
        drawn = [value for value in computed if isinstance(value, ast.Call) and ast.unparse(value.func) == "heatmap"]
        last = tree.body[-1] if tree.body else None
        lost = [value for value in drawn if not (isinstance(last, ast.Expr) and value is last.value)]
        assert not lost, f"`display(heatmap(...), heatmap(...))` shows both: {cell.source}"
