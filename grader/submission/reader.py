"""Reads a submission, a notebook or a script, as data: code cells in order, nothing believed, nothing executed.

Everything here is bounded, because whoever wrote the file may have meant harm. nbformat is not used: importing it
costs more than grading does, and all that is wanted of a notebook is the text of its code cells.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

MAX_FILE_BYTES = 20 * 2**20
MAX_CELLS = 500
MAX_CODE_CHARACTERS = 200_000
MAX_DEPTH = 200
"""Of the syntax tree: what looks at trees does so recursively."""
METADATA_KEY = "attention_workshop"

_one_parser_at_a_time = Lock()
_MAGIC = re.compile(r"^(\s*)(?:[%!?].*|[\w.]+\?{1,2}|\S.*=\s*[%!].*)$")
_TRANSPARENT_CELL_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun")


class UnreadableError(Exception):
    """The file is no submission; the message says what to do about it."""


@dataclass(frozen=True)
class Submission:
    """The code of one submission, cell by cell, and the exercise that the file says it is for."""

    path: Path
    cells: tuple[str, ...]
    named_exercise: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the code alone."""
        return hashlib.sha256("\0".join(self.cells).encode(errors="replace")).hexdigest()


def read_submission(path: Path) -> Submission:
    """Read a ``.ipynb`` or ``.py`` file.

    Raises:
        UnreadableError: not a regular file, too large, not UTF-8, or not a notebook.
    """
    text = _read_text(path)
    if path.suffix == ".ipynb":
        return _read_notebook(path, text)
    return Submission(path, as_code([text]))


def as_code(cells: Sequence[str]) -> tuple[str, ...]:
    """The texts of code cells as Python that can be run and looked at.

    Raises:
        UnreadableError: there is more of it than can be an answer.
    """
    if len(cells) > MAX_CELLS or sum(map(len, cells)) > MAX_CODE_CHARACTERS:
        raise UnreadableError("There is more code here than can be an answer to an exercise.")
    return tuple(map(python_only, cells))


def _read_text(path: Path) -> str:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if path.is_symlink():
            raise UnreadableError("This is a symbolic link; hand in the file itself.") from None
        kind = "folder" if path.is_dir() else "file"
        raise UnreadableError(f"The {kind} cannot be opened: {error.strerror}.") from None
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableError("This is not a regular file; hand in a notebook or a Python file.")
        if status.st_size > MAX_FILE_BYTES:
            raise UnreadableError(
                f"The file has {status.st_size / 2**20:.0f} MB, more than the {MAX_FILE_BYTES // 2**20} MB that are "
                "read; clear the outputs (Edit > Clear Outputs of All Cells) and save again."
            )
        content = file.read(MAX_FILE_BYTES + 1)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"The file is not UTF-8 text (byte {error.start}); save it as UTF-8.") from None


def _read_notebook(path: Path, text: str) -> Submission:
    try:
        notebook = json.loads(text)
    except RecursionError:
        raise UnreadableError("The notebook's JSON is nested too deeply to be a notebook.") from None
    except ValueError as error:
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "a number too long"
        raise UnreadableError(
            f"The notebook is not valid JSON ({where}); open it in Jupyter, or start again from the file as handed out."
        ) from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise UnreadableError("The file has no list of cells; it is not a notebook of format 4.")
    code = [_source(cell) for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]
    return Submission(path, as_code(code), _named_exercise(notebook.get("metadata")))


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    if isinstance(source, list):
        return "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""


def _named_exercise(metadata: object) -> str | None:
    ours = metadata.get(METADATA_KEY) if isinstance(metadata, dict) else None
    name = ours.get("exercise") if isinstance(ours, dict) else None
    return name if isinstance(name, str) else None


TOO_DEEP = "raise SyntaxError('the code is nested too deeply')"


def python_only(cell: str) -> str:
    """Neutralise IPython's magics, keeping line numbers. A cell that is Python already is left alone.

    A cell that is too deep to be looked at is not run either: rules are checked on all of what runs.
    """
    try:
        return TOO_DEEP if _too_deep(_tree(cell)) else cell
    except (RecursionError, MemoryError):
        return TOO_DEEP
    except (SyntaxError, ValueError):
        pass
    lines = cell.split("\n")
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%"):
        if not first.startswith(_TRANSPARENT_CELL_MAGICS):
            return ""
        lines[lines.index(first)] = ""
    python = "\n".join(_MAGIC.sub(r"\1pass", line) for line in lines)
    return python if parse(python) is not None or _is_broken(python) else TOO_DEEP


@lru_cache(maxsize=64)
def parse(code: str) -> ast.Module | None:
    """The syntax tree, or None where the code does not parse."""
    try:
        tree = _tree(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return None if _too_deep(tree) else tree


def _tree(code: str) -> ast.Module:
    # CPython 3.11 loses count of its recursion depth when two threads parse at once (a SystemError).
    with _one_parser_at_a_time:
        return ast.parse(code)


def _is_broken(code: str) -> bool:
    try:
        _tree(code)
    except (SyntaxError, ValueError):
        return True
    except (RecursionError, MemoryError):
        pass
    return False


def _too_deep(tree: ast.Module) -> bool:
    level: list[ast.AST] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return False
    return True
