"""What a notebook finds in a kernel besides Python: ``get_ipython()``, ``display``, ``In`` and ``Out``, quietly.

Magics do what a notebook needs to go on: those that measure run what stands behind them once, ``%%writefile`` writes
into the scratch folder, commands of the system give nothing back. (Cell magics whose body is Python do not come here:
`grader.submission.language` takes them off.)
"""

from __future__ import annotations

import os
import sys
from typing import Any

from grader.child.standin import StandIn

MEASURING = frozenset({"time", "timeit", "prun", "memit", "lprun", "mprun", "snakeviz", "capture", "pyinstrument"})
WRITING = frozenset({"writefile", "file"})


class Shell:
    """Stands for IPython's shell; what it does not have is there and does nothing."""

    def __init__(self, scope: dict[str, Any]) -> None:
        self.user_ns = self.user_global_ns = scope
        self.execution_count = 1

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn("IPython")

    def run_line_magic(self, name: str, line: str = "", *_: Any, **__: Any) -> Any:
        """``%name line``: run the code behind a magic that measures."""
        if name in MEASURING:
            return _value_of(_without_options(line), self.user_ns, sys._getframe(1).f_locals)
        return None

    def run_cell_magic(self, name: str, line: str = "", cell: str = "") -> None:
        """``%%name line`` over a cell: write its text, or do nothing."""
        if name in WRITING:
            path = line.split()[-1].strip("'\"") if line.split() else ""
            with open(os.path.basename(path), "a" if "-a" in line.split() else "w", encoding="utf-8") as file:
                file.write(cell)

    def magic(self, text: str) -> Any:
        """``%text``."""
        name, _, line = text.lstrip("%").partition(" ")
        return self.run_line_magic(name, line)

    def run_cell(self, code: str, *_: Any, **__: Any) -> None:
        """Run code in the notebook's namespace."""
        exec(code, self.user_ns)

    def system(self, *_: Any) -> None:
        """``!command``: nothing."""

    def getoutput(self, *_: Any, **__: Any) -> list[str]:
        """``x = !command``: no lines."""
        return []

    getoutput_ = getoutput


def quiet(*_: Any, **__: Any) -> None:
    """Takes the place of what only shows something."""


def _without_options(line: str) -> str:
    """The code behind a magic's options."""
    words = line.strip()
    while words.startswith("-"):
        option, _, words = words.partition(" ")
        words = words.lstrip()
        if option in ("-n", "-r", "-p", "-t", "-c", "-f", "-m", "-s", "-l", "-T", "-D") and len(option) == 2:
            _, _, words = words.partition(" ")  # its value stands apart
    return words


def _value_of(code: str, scope: dict[str, Any], around: Any) -> Any:
    try:
        expression = compile(code, "<magic>", "eval", dont_inherit=True)
    except SyntaxError:
        exec(compile(code, "<magic>", "exec", dont_inherit=True), scope)
        return None
    return eval(expression, scope, None if around is scope else around)
