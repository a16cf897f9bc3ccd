"""What a cell shows of what it asked for: a report, or text; and the same where there is no notebook."""

from __future__ import annotations

import html
import sys
import textwrap
from collections.abc import Mapping
from typing import Any

from grader.report.model import Language, Report
from grader.report.render import as_html, as_text
from grader.text import Text

WIDTH = 100
"""Columns of prose in a terminal."""


PRINTED = Text("What your code printed", "你的代码打印的内容")
_IN_CASE = Text("case: {case}", "用例：{case}")
_AND_MORE = Text("case: {case}, and {more} more", "用例：{case}，以及另外 {more} 个")


class Result:
    """What ``check`` returns: shown as a report, read through ``passed``, ``score`` and ``report``.

    Args:
        after: what is said below the report.
        printed: what the code printed, by case.
    """

    def __init__(
        self, report: Report, language: Language, after: str = "", printed: Mapping[str, str] | None = None
    ) -> None:
        self.report, self._language, self._after = report, language, after
        self._printed = _collapsed(printed or {}, language)
        self._shown_in: int | None = None

    @property
    def passed(self) -> bool:
        """True for full marks."""
        return self.report.passed

    @property
    def score(self) -> float | None:
        """Points, of ``report.max_score``."""
        return self.report.score

    def show(self) -> None:
        """Show the report now, whatever else the cell does: the value of a cell's last line alone would be lost."""
        running = shell()
        if running is not None:
            from IPython.display import display

            self._shown_in = running.execution_count
            display({"text/html": self._repr_html_(), "text/plain": repr(self)}, raw=True)
        elif not hasattr(sys, "ps1"):  # where Python shows the value of every line
            print(self)

    def _ipython_display_(self) -> None:
        running = shell()
        if running is None or self._shown_in != running.execution_count:  # not a second time in the cell that checked
            self.show()

    def _repr_html_(self) -> str:
        after = "".join(f"<p>{html.escape(line)}</p>" for line in self._after.splitlines())
        inside = "".join(f"<p>{html.escape(where)}</p><pre>{html.escape(text)}</pre>" for where, text in self._printed)
        title = getattr(PRINTED, self._language)
        printed = f"<details><summary>{title}</summary>{inside}</details>" if inside else ""
        return as_html(self.report, self._language, own=True) + printed + after

    def __repr__(self) -> str:
        parts = [as_text(self.report, self._language, own=True)]
        parts += [f"{getattr(PRINTED, self._language)}, {where}\n{text}" for where, text in self._printed]
        return "\n".join([*parts, self._after] if self._after else parts)


def shell() -> Any:
    """IPython's shell, where there is one."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def _collapsed(printed: Mapping[str, str], language: Language) -> list[tuple[str, str]]:
    """What was printed, each text once, with the case where it was."""
    cases: dict[str, list[str]] = {}
    for case, text in printed.items():
        cases.setdefault(text, []).append(case)
    return [
        (str(getattr((_AND_MORE if more else _IN_CASE).format(case=first, more=len(more)), language)), text)
        for text, (first, *more) in cases.items()
    ]


class Markdown:
    """Text that Jupyter renders and a terminal prints: wrapped, or as it is."""

    def __init__(self, text: str, wrapped: bool = True) -> None:
        self._text, self._wrapped = text, wrapped

    def show(self) -> None:
        """Show it now, above what comes after."""
        from IPython.display import display

        display(self)

    def _repr_markdown_(self) -> str:
        return self._text

    def __repr__(self) -> str:
        if not self._wrapped:
            return self._text
        return "\n".join(textwrap.fill(line, WIDTH, replace_whitespace=False) for line in self._text.split("\n"))
