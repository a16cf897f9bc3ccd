"""Notices that what is checked is older than what the learner sees: a cell was changed, and not run, or in vain."""

from __future__ import annotations

import inspect
import json
import os
import re
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from grader.desk.shown import shell
from grader.submission.names import possible_exercises
from grader.text import Text

_RUN_IN_VAIN = Text(
    "`{name}` is not what its cell says now: when you last ran the cell, it failed before it came to the definition. "
    "What was checked is the definition from before.",
    "`{name}` 与其单元现在的内容不同：上次运行该单元时，在定义完成之前就出错了。这里检查的是之前的定义。",
)
_NOT_RUN = Text(
    "`{name}` is not what the notebook says now: the cell was changed after you ran it. Run it, then check again.",
    "`{name}` 与笔记本现在的内容不同：该单元在运行之后又改动过。请先运行它，再检查。",
)


def stale(targets: Sequence[str], scope: Mapping[str, Any], exercise: str) -> list[Text]:
    """What is to be said of definitions that are older than their cells; nothing where there is no notebook."""
    running = shell()
    return _runs_of(running).stale(targets, scope, exercise) if running is not None else []


@lru_cache(maxsize=1)
def _runs_of(running: Any) -> Runs:
    return Runs(running)


class Runs:
    """What was run in this kernel, and when; cells run before this was made count as run then."""

    def __init__(self, shell: Any) -> None:
        self._shell, self._since = shell, time.time()
        self._at: dict[str, float] = {}
        shell.events.register("pre_run_cell", self._note)

    def _note(self, info: Any) -> None:
        self._at[str(info.raw_cell)] = time.time()

    def stale(self, targets: Sequence[str], scope: Mapping[str, Any], exercise: str) -> list[Text]:
        """What is to be said of definitions that are older than their cells."""
        return [text for name in targets if name in scope and (text := self._look(name, scope[name], exercise))]

    def _look(self, name: str, target: Any, exercise: str) -> Text | None:
        source = _source(target)
        if not source:
            return None
        run = [cell for cell in map(str, self._shell.history_manager.input_hist_raw) if _defines(cell, name)]
        if not run or not any(_has(cell, source) for cell in run):
            return None  # it comes from a file, or was made otherwise
        if not _has(run[-1], source):
            return _RUN_IN_VAIN.format(name=name)
        notebook = _notebook(exercise)
        if notebook is None or notebook.stat().st_mtime <= self._at.get(run[-1], self._since):
            return None
        written = [cell for cell in _cells(notebook) if _defines(cell, name)]
        if written and not any(_has(cell, source) for cell in written):
            return _NOT_RUN.format(name=name)
        return None


def _source(target: Any) -> str:
    try:
        return _normal(textwrap.dedent(inspect.getsource(target)))
    except (TypeError, OSError, IndentationError):
        return ""


def _normal(code: str) -> str:
    """Code without what does not count at the ends of lines."""
    return "\n".join(line.rstrip() for line in code.strip("\n").splitlines())


def _has(cell: str, source: str) -> bool:
    return f"\n{source}\n" in f"\n{_normal(cell)}\n"


def _defines(cell: str, name: str) -> bool:
    return re.search(rf"^(?:async +)?(?:def|class) +{re.escape(name)}\b", cell, re.MULTILINE) is not None


def _notebook(exercise: str) -> Path | None:
    """The file of the notebook that runs here, where that can be told."""
    named = os.environ.get("JPY_SESSION_NAME", "")
    here = Path.cwd() / Path(named).name if named.endswith(".ipynb") else None
    if here is not None and here.is_file():
        return here
    fitting = [path for path in Path.cwd().glob("*.ipynb") if exercise in possible_exercises(path.name)]
    return fitting[0] if len(fitting) == 1 else None


def _cells(notebook: Path) -> Iterator[str]:
    """The code cells of a notebook; none of one that cannot be read."""
    try:
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                yield "".join(cell["source"])
    except (OSError, ValueError, LookupError, TypeError):
        return
