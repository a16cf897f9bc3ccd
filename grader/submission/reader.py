"""Reads a submission, a notebook or a script, as data: code cells in order, nothing believed, nothing executed.

Everything here is bounded, because whoever wrote the file may have meant harm. What a file is, it says itself: a suffix
is only asked where the text leaves it open.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

from grader.submission.conflicts import conflict, first_mark
from grader.submission.contents import Cell, Contents, UnreadableError
from grader.submission.decoding import decode
from grader.submission.file import read_bytes
from grader.submission.kinds import known_kind
from grader.submission.names import suffix_of
from grader.submission.notebook import METADATA_KEY, looks_like_notebook, read_notebook
from grader.submission.notes import Note
from grader.submission.script import read_script
from grader.text import Text

__all__ = [
    "MAX_CODE_CHARACTERS",
    "METADATA_KEY",
    "Submission",
    "UnreadableError",
    "as_code",
    "parse",
    "python_only",
    "read_contents",
    "read_submission",
]

MAX_CELLS = 500
MAX_CODE_CHARACTERS = 200_000
MAX_DEPTH = 200
"""Of the syntax tree: what looks at trees does so recursively."""

_one_parser_at_a_time = Lock()
_MAGIC = re.compile(r"^(\s*)(?:[%!?].*|[\w.]+\?{1,2}|\S.*=\s*[%!].*)$")
_TRANSPARENT_CELL_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun")


@dataclass(frozen=True)
class Submission:
    """The code of one submission, cell by cell, and what is known of the file that it stood in.

    Args:
        named_exercise: the exercise that the file says it is for.
        written: every cell as it was written, of every kind; those of code are those of ``cells``, in their order.
        python: the version of Python that the file was written with, where it says so.
        notes: what is to be said of the file beside the grade.
    """

    path: Path
    cells: tuple[str, ...]
    named_exercise: str | None = None
    written: tuple[Cell, ...] = ()
    python: tuple[int, int] | None = None
    notes: tuple[Note, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of the code alone."""
        return hashlib.sha256("\0".join(self.cells).encode(errors="replace")).hexdigest()


def read_submission(path: Path) -> Submission:
    """Read a notebook or a Python file, whatever its suffix.

    Raises:
        UnreadableError: it is neither, or too large, or damaged.
    """
    return submission_of(path, read_contents(path))


def submission_of(path: Path, contents: Contents) -> Submission:
    """What was read, as code that can be run.

    Raises:
        UnreadableError: there is more of it than can be an answer.
    """
    cells = as_code([cell.source for cell in contents.code])
    return Submission(path, cells, contents.named_exercise, contents.cells, contents.python)


def read_contents(path: Path) -> Contents:
    """The cells of a notebook or a Python file as they were written.

    Raises:
        UnreadableError: it is neither, or too large, or damaged.
    """
    content = read_bytes(path)
    kind = known_kind(content)
    if kind:
        raise UnreadableError(kind)
    if path.suffix.lower() in _DOCUMENTS:
        raise UnreadableError(_DOCUMENT)
    text = decode(content)
    if not text.strip():
        raise UnreadableError(_EMPTY)
    suffix = suffix_of(path.name)
    if looks_like_notebook(text) or (suffix != ".py" and text.lstrip().startswith(("{", "["))):
        return read_notebook(text)
    if suffix == ".ipynb" or (suffix != ".py" and not _PYTHON.search(text)):
        raise UnreadableError(_no_submission(text, suffix))
    if len(text) > MAX_CODE_CHARACTERS:
        raise UnreadableError(_TOO_MUCH)
    return read_script(text, parse)


_DOCUMENTS = frozenset({".md", ".rmd", ".qmd"})
_DOCUMENT = Text(
    "This is a document that may hold code between its text, not a notebook; "
    "make a notebook of it (jupytext --to ipynb FILE), and hand that in.",
    "这是正文中夹有代码的文档，而不是笔记本；请把它转成笔记本（jupytext --to ipynb FILE）再提交。",
)
_EMPTY = Text(
    "The file is empty: saving or copying it did not work. Save it again, and hand it in when it has a size.",
    "文件是空的：保存或复制没有成功。请重新保存，确认文件大小不为零，再重新提交。",
)
_TOO_MUCH = Text(
    "There is more code here than can be an answer to an exercise.",
    "这里的代码超过了一道题的解答可能有的长度。",
)
_PYTHON = re.compile(r"^[ \t]*(?:async[ \t]+def|def|class|import|from)[ \t]+\w", re.MULTILINE)
"""What no Python file is without, that answers an exercise."""


def _no_submission(text: str, suffix: str) -> Text:
    mark = first_mark(text)
    if mark:
        return conflict(mark)
    if _PYTHON.search(text):
        return Text(
            "This is Python code in a file that is called .ipynb; name it .py, or copy the code into a notebook.",
            "这是 Python 代码，文件名却是 .ipynb；请改名为 .py，或把代码复制到笔记本中。",
        )
    if suffix == ".ipynb":
        return Text(
            "The notebook is not valid JSON (line 1); open it in Jupyter and save it again, "
            "or start again from the file as handed out.",
            "笔记本不是有效的 JSON（第 1 行）；请在 Jupyter 中打开并重新保存，或从发下来的文件重新开始。",
        )
    return Text(
        "This is text, but neither a notebook nor Python code; "
        "hand in the notebook (.ipynb) or Python file (.py) itself.",
        "这是文本，但既不是笔记本也不是 Python 代码；请提交笔记本（.ipynb）或 Python 文件（.py）本身。",
    )


def as_code(cells: Sequence[str]) -> tuple[str, ...]:
    """The texts of code cells as Python that can be run and looked at.

    Raises:
        UnreadableError: there is more of it than can be an answer.
    """
    if len(cells) > MAX_CELLS or sum(map(len, cells)) > MAX_CODE_CHARACTERS:
        raise UnreadableError(_TOO_MUCH)
    return tuple(map(python_only, cells))


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
