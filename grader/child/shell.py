"""What a notebook finds in a kernel besides Python: ``get_ipython()``, ``display``, ``In`` and ``Out``, quietly.

Magics do what a notebook needs to go on: those that measure run what stands behind them once, ``%%writefile`` writes
into the scratch folder and ``%run`` runs what lies there, commands of the system give nothing back. (Cell magics whose
body is Python do not come here: `grader.submission.language` takes them off.)
"""

from __future__ import annotations

import os
import sys
import time
from types import SimpleNamespace
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
            return self._measured(line, sys._getframe(1).f_locals)
        if name == "run":
            self._run_file(line.split())
        elif name in ("env", "set_env") and "=" in line:
            variable, value = line.split("=", 1)
            os.environ[variable.strip()] = value.strip()
        return os.getcwd() if name == "pwd" else None

    def run_cell_magic(self, name: str, line: str = "", cell: str = "") -> None:
        """``%%name line`` over a cell: write its text, or do nothing."""
        if name in WRITING:
            path = line.split()[-1].strip("'\"") if line.split() else ""
            with open(os.path.basename(path), "a" if "-a" in line.split() else "w", encoding="utf-8") as file:
                file.write(cell)

    def _measured(self, line: str, around: Any) -> Any:
        """The value of the code behind a magic; with ``-o``, how long it took."""
        code, began = _without_options(line), time.perf_counter()
        if code.startswith(("%", "!")):
            return self.magic(code) if code.startswith("%") else None
        value = _value_of(code, self.user_ns, around)
        if "-o" not in line.removesuffix(code).split():
            return value
        took = time.perf_counter() - began
        times = {"best": took, "worst": took, "average": took, "stdev": 0.0, "compile_time": 0.0}
        return SimpleNamespace(**times, loops=1, repeat=1, all_runs=[took], timings=[took])

    def _run_file(self, words: list[str]) -> None:
        """``%run helper.py``: as a program, in a namespace of its own, whose names the notebook then has."""
        given = [word for word in words if not word.startswith("-")]
        path = os.path.abspath(os.path.basename(given[0].strip("'\"")) if given else "")
        path = path if os.path.splitext(path)[1] else f"{path}.py"
        with open(path, encoding="utf-8") as file:
            code = compile(file.read(), path, "exec", dont_inherit=True)
        scope = self.user_ns if "-i" in words else {"__name__": "__main__", "__file__": path}
        try:
            exec(code, scope)
        finally:
            self.user_ns.update({name: value for name, value in scope.items() if not name.startswith("__")})

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


Shell.__name__ = "ZMQInteractiveShell"  # by which code tells a notebook from a terminal


class History:
    """``In``, ``Out``, ``_`` and their like. A notebook may use the names for something else.

    Args:
        scope: the notebook's namespace.
    """

    def __init__(self, scope: dict[str, Any]) -> None:
        self._scope, self._cells, self._values = scope, [""], dict[int, Any]()
        self._last: list[Any] = ["", "", ""]
        scope.update(In=self._cells, Out=self._values, _ih=self._cells, _oh=self._values, _="", __="", ___="")

    def begin(self, cell: str) -> None:
        """A cell is about to be run."""
        self._scope[f"_i{len(self._cells)}"] = cell
        self._cells.append(cell)

    def keep(self, value: Any) -> None:
        """The value of the last line of that cell."""
        if value is None:
            return
        number = len(self._cells) - 1
        self._values[number] = self._scope[f"_{number}"] = value
        if self._scope.get("_") is self._last[0]:
            self._last = [value, *self._last[:2]]
            self._scope.update(zip(("_", "__", "___"), self._last, strict=True))


def quiet(*_: Any, display_id: object = None, **__: Any) -> Any:
    """Takes the place of what only shows something, now or, by a handle, later."""
    return StandIn("IPython") if display_id else None


def unseen(*_: Any, **__: Any) -> Any:
    """Takes the place of ``check`` and its like: in here they have nobody to tell, and nothing to say against."""
    return SimpleNamespace(passed=True, score=0.0, report=None)


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
