"""Buttons and boxes to tick below what a cell shows, where the front end shows widgets; else the same as text.

They are ipywidgets, which JupyterLab, Notebook 7, VS Code and Colab show with nothing to build. Where they are not
installed, or in a saved notebook, what stands there is what to type.
"""

from __future__ import annotations

import html
import importlib.util
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from grader.desk.shown import Markdown, shell


class Button(NamedTuple):
    """A button: its label, what to type for the same, and what it shows when it is pressed."""

    label: str
    call: str
    press: Callable[[], Any]


def has_widgets() -> bool:
    """Whether there is a front end that may show widgets, and something to show it."""
    return hasattr(shell(), "kernel") and importlib.util.find_spec("ipywidgets") is not None


def show_buttons(buttons: Sequence[Button]) -> None:
    """Show buttons, what they show below them; nothing where there are no widgets."""
    if not has_widgets() or not buttons:
        return
    import ipywidgets
    from IPython.display import display

    output = ipywidgets.Output()

    def pressed(button: Button) -> Callable[[Any], None]:
        def show(_: Any) -> None:
            output.clear_output()
            with output:
                display(button.press())

        return show

    row = []
    for button in buttons:
        widget = ipywidgets.Button(description=button.label, tooltip=button.call)
        widget.on_click(pressed(button))
        row.append(widget)
    _show(ipywidgets.VBox([ipywidgets.HBox(row), output]), " · ".join(f"`{button.call}`" for button in buttons))


def show_boxes(items: Sequence[str], ticked: frozenset[int], tick: Callable[[int, bool], None]) -> bool:
    """Show boxes to tick, numbered from 1, and say of each when it is ticked; False where there are no widgets."""
    if not has_widgets():
        return False
    import ipywidgets

    boxes = []
    for number, item in enumerate(items, 1):
        box = ipywidgets.Checkbox(value=number in ticked, indent=False, layout={"width": "2em"})
        box.observe(lambda change, number=number: tick(number, bool(change["new"])), "value")
        text = ipywidgets.HTMLMath(value=html.escape(item))
        boxes.append(ipywidgets.HBox([box, text]))
    marks = ("[x]" if number in ticked else "[ ]" for number in range(1, len(items) + 1))
    rows = [f"{number}. {mark} {item}" for number, (mark, item) in enumerate(zip(marks, items, strict=True), 1)]
    _show(ipywidgets.VBox(boxes), "\n".join(rows))
    return True


def _show(widget: Any, otherwise: str) -> None:
    from IPython.display import display

    bundle = dict(widget._repr_mimebundle_())
    bundle |= {"text/markdown": otherwise, "text/plain": repr(Markdown(otherwise))}
    display(bundle, raw=True)
