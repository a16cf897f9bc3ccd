"""What a cell shows of what it asked for: a report, or text; and the same where there is no notebook."""

from __future__ import annotations

import html
import sys
import textwrap
from typing import Any

from grader.report.model import Language, Report
from grader.report.render import as_html, as_text

WIDTH = 100
"""Columns of prose in a terminal."""


class Result:
    """What ``check`` returns: shown as a report, read through ``passed``, ``score`` and ``report``.

    Args:
        after: what is said below the report.
    """

    def __init__(self, report: Report, language: Language, after: str = "") -> None:
        self.report, self._language, self._after = report, language, after
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
        shell = _shell()
        if shell is not None:
            from IPython.display import display

            self._shown_in = shell.execution_count
            display({"text/html": self._repr_html_(), "text/plain": repr(self)}, raw=True)
        elif not hasattr(sys, "ps1"):  # where Python shows the value of every line
            print(self)

    def _ipython_display_(self) -> None:
        shell = _shell()
        if shell is None or self._shown_in != shell.execution_count:  # not a second time in the cell that checked
            self.show()

    def _repr_html_(self) -> str:
        after = "".join(f"<p>{html.escape(line)}</p>" for line in self._after.splitlines())
        return as_html(self.report, self._language, own=True) + after

    def __repr__(self) -> str:
        return "\n".join(part for part in (as_text(self.report, self._language, own=True), self._after) if part)


def _shell() -> Any:
    """IPython's shell, where there is one."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


class Markdown:
    """Text that Jupyter renders and a terminal prints: wrapped, or as it is."""

    def __init__(self, text: str, wrapped: bool = True) -> None:
        self._text, self._wrapped = text, wrapped

    def _repr_markdown_(self) -> str:
        return self._text

    def __repr__(self) -> str:
        if not self._wrapped:
            return self._text
        return "\n".join(textwrap.fill(line, WIDTH, replace_whitespace=False) for line in self._text.split("\n"))
