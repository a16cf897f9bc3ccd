"""Pictures in notebooks."""

from __future__ import annotations

from grader import heatmap


def test_a_picture_can_be_read_on_a_light_and_on_a_dark_page() -> None:
    svg = heatmap([[0.2, 0.8]], title="weights")._repr_html_()
    texts = svg.count("<text")
    assert svg.count('fill="currentColor"') == texts - 1, "but for the one on the deepest blue"


def test_two_pictures_of_one_cell_are_both_shown() -> None:
    both = heatmap([[0.25]], title="first") + heatmap([[True]], title="second")
    assert both._repr_html_().count("<svg") == 2
    assert repr(both) == "first\n0.25\n\nsecond\n■"
