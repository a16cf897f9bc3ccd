"""Buttons and boxes: what they do when they are pressed, and what stands there without them."""

from __future__ import annotations

from typing import Any

import pytest

from grader import self_review
from grader.desk import buttons
from grader.desk.buttons import Button, show_boxes, show_buttons
from grader.desk.progress import Progress

pytestmark = pytest.mark.usefixtures("data")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What a front end with widgets is given."""
    pytest.importorskip("ipywidgets")
    given: list[Any] = []
    monkeypatch.setattr(buttons, "has_widgets", lambda: True)
    monkeypatch.setattr(buttons, "_show", lambda widget, otherwise: given.append((widget, otherwise)))
    return given


def test_boxes_that_are_ticked_count_in_progress(shown: list[Any]) -> None:
    def tick(item: int, ticked: bool) -> None:
        Progress().add("tick", "what_is_attention", item=item, ticked=ticked)

    assert show_boxes(["<b>one</b>", "two"], frozenset({2}), tick)
    ((widget, otherwise),) = shown
    assert otherwise == "1. [ ] <b>one</b>\n2. [x] two"
    (first, text), (second, _) = (row.children for row in widget.children)
    assert (first.value, second.value) == (False, True)
    assert text.value == "&lt;b&gt;one&lt;/b&gt;"
    first.value, second.value = True, False
    assert [record.data for record in Progress().records()] == [
        {"item": 1, "ticked": True},
        {"item": 2, "ticked": False},
    ]


def test_a_button_does_what_it_says(shown: list[Any]) -> None:
    pressed: list[str] = []
    show_buttons([Button("Hint", 'hint("x")', lambda: pressed.append("hint"))])
    ((widget, otherwise),) = shown
    assert otherwise == '`hint("x")`'
    widget.children[0].children[0].click()
    assert pressed == ["hint"]


def test_without_widgets_the_same_is_text() -> None:
    assert not show_boxes(["one"], frozenset(), lambda *_: None)
    assert "ticked=[1, 3]" in repr(self_review("what_is_attention"))
