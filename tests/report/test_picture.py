"""Pictures in notebooks."""

from __future__ import annotations

from grader import heatmap


def test_two_pictures_of_one_cell_are_both_shown() -> None:
    both = heatmap([[0.25]], title="first") + heatmap([[True]], title="second")
    assert both._repr_html_().count("<svg") == 2
    assert repr(both) == "first\n0.25\n\nsecond\n■"
