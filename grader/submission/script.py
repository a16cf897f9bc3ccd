"""A script into its cells, as the tools that write notebooks as scripts mark them.

``# %%`` begins a cell (jupytext, Spyder, VS Code), and so do jupytext's light ``# +`` and ``# -``, sphinx-gallery's
lines of ``#``, nbconvert's ``# In[1]:`` and Databricks' ``# COMMAND ----------``. marimo's cells are functions.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from grader.submission.contents import Cell, Contents
from grader.submission.marimo import Parse, marimo_cells

MAX_MARKS = 400
"""With more of them than a notebook has cells, a script is taken as it is."""

_MARK = re.compile(
    r"# ?%%+(?:[ \t].*|[\[{].*)?"
    r"|# \+(?: *[\[{].*)?|# -"
    r"|#{20,}"
    r"|# In ?\[[\d ]*\]:"
    r"|# COMMAND -{5,}"
)
_PROSE = re.compile(r"\[(?:markdown|md|raw)\]")
_COMMENT = re.compile(r"^# ?(?:MAGIC ?)?", re.MULTILINE)


def read_script(text: str, parse: Parse) -> Contents:
    """The cells of a script."""
    tree = parse(text)
    found = marimo_cells(text, tree, parse) if tree else None
    return Contents(tuple(_split(text, tree)) if found is None else tuple(found))


def _split(text: str, tree: ast.Module | None) -> Iterator[Cell]:
    lines = text.split("\n")
    # Where the script parses as a whole, a mark inside a statement, say in a string, is none.
    inside = set() if tree is None else _inside_statements(tree)
    marks = [i for i, line in enumerate(lines) if i not in inside and _MARK.fullmatch(line.rstrip())]
    if not marks or len(marks) > MAX_MARKS:
        yield Cell(None, "code", text)
        return
    for begin, end in zip([-1, *marks], [*marks, len(lines)], strict=True):
        mark, body = lines[begin] if begin >= 0 else "", lines[begin + 1 : end]
        if all(line.startswith("#") or not line.strip() for line in body):
            if not _PROSE.search(mark) and not any(line.startswith("# MAGIC") for line in body):
                continue
            yield Cell(None, "markdown", _COMMENT.sub("", "\n".join(body)), begin + 2)
        else:
            yield Cell(None, "code", "\n".join(body), begin + 2)


def _inside_statements(tree: ast.Module) -> set[int]:
    """Numbers of lines, from 0, in which a statement goes on that began above."""
    found: set[int] = set()
    for statement in tree.body:
        decorators = [decorator.lineno for decorator in getattr(statement, "decorator_list", ())]
        found.update(range(min([statement.lineno, *decorators]), statement.end_lineno or statement.lineno))
    return found
