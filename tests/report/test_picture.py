"""Pictures in notebooks."""

from __future__ import annotations

import pytest
from helpers import EXERCISES

from grader import heatmap
from grader.course.course import LocatedCourse
from grader.course.script import read_script


def test_two_pictures_of_one_cell_are_both_shown() -> None:
    both = heatmap([[0.25]], title="first") + heatmap([[True]], title="second")
    assert both._repr_html_().count("<svg") == 2
    assert repr(both) == "first\n0.25\n\nsecond\n■"


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_script_runs_where_there_is_no_notebook(course: LocatedCourse, exercise: str) -> None:
    code = read_script(course.solution(exercise) / "notebook.py").code
    assert not any("display(" in cell.source for cell in code), "add the pictures: heatmap(…) + heatmap(…)"
