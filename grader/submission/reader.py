"""Reads a submission, a notebook or a script, as data: code cells in order, nothing believed, nothing executed.

Everything here is bounded, because whoever wrote the file may have meant harm. What a file is, it says itself: a suffix
is only asked where the text leaves it open.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from grader.submission.conflicts import conflict, first_mark
from grader.submission.contents import Cell, Contents, UnreadableError
from grader.submission.decoding import decode
from grader.submission.file import read_bytes
from grader.submission.kinds import known_kind
from grader.submission.language import MAX_CODE_CHARACTERS, TOO_MUCH, as_code, parse
from grader.submission.names import suffix_of
from grader.submission.notebook import looks_like_notebook, read_notebook
from grader.submission.notes import Note
from grader.submission.script import read_script
from grader.text import Text


@dataclass(frozen=True)
class Submission:
    """The code of one submission, cell by cell, and what is known of the file that it stood in.

    Args:
        named_exercise: the exercise that the file says it is for.
        written: every cell as it was written, of every kind; those of code are those of ``cells``, in their order.
        python: the version of Python that the file was written with, where it says so.
        notes: what is to be said of the file beside the grade.
        files: names and texts of the learner's own modules that lie beside it.
        script: its file name where it is a script.
    """

    path: Path
    cells: tuple[str, ...]
    named_exercise: str | None = None
    written: tuple[Cell, ...] = ()
    python: tuple[int, int] | None = None
    notes: tuple[Note, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    script: str = ""

    def place(self, cell: int, line: int | None) -> tuple[int | None, int | None]:
        """Where in the file a line of a code cell stands: the number of the cell among all, and the line."""
        code = [written for written in self.written if written.kind == "code"]
        if not 0 < cell <= len(code):
            return cell, line
        found = code[cell - 1]
        return found.number, line + found.line - 1 if line else None if found.number else found.line

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
    script = "" if any(cell.number for cell in contents.cells) else f"{path.stem}.py"
    return Submission(path, cells, contents.named_exercise, contents.cells, contents.python, script=script)


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
        raise UnreadableError(TOO_MUCH)
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
