"""What may have been meant by a name that is not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from grader.text import Text

MOST_SUGGESTED = 3


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Names that look like it, the likeliest first."""
    return difflib.get_close_matches(name, list(dict.fromkeys(known)), n=MOST_SUGGESTED)


def did_you_mean(names: list[str]) -> Text:
    """The end of a sentence on a name that is not there."""
    if not names:
        return Text(".", "。")
    return Text(f"; did you mean {' or '.join(names)}?", f"；是不是想写 {' 或 '.join(names)}？")


def no_exercise(name: str, known: Iterable[str]) -> Text:
    """Says that no exercise has this name, and which one may have been meant."""
    return Text("There is no exercise {name!r}{end}", "没有名为 {name!r} 的习题{end}").format(
        name=name, end=did_you_mean(nearest(name, known))
    )
