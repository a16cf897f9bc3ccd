"""Reads the code cells of a percent-format script without jupytext, which is slow to import."""

from __future__ import annotations

import re
from typing import NamedTuple

_HEADER = re.compile(r"^# %%(?P<rest>.*)$", re.MULTILINE)
_TAGS = re.compile(r"tags=\[(?P<tags>[^\]]*)\]")


class CodeCell(NamedTuple):
    """One code cell, and the tags of its header line."""

    source: str
    tags: frozenset[str]


def code_cells(text: str) -> list[CodeCell]:
    """The code cells of a script in which ``# %%`` begins a cell; markdown cells are left out."""
    headers = list(_HEADER.finditer(text))
    cells = []
    for header, following in zip(headers, [*headers[1:], None], strict=True):
        rest = header["rest"]
        if "[markdown]" in rest or "[raw]" in rest:
            continue
        found = _TAGS.search(rest)
        tags = frozenset(re.findall(r"[\w-]+", found["tags"])) if found else frozenset()
        source = text[header.end() : following.start() if following else len(text)]
        cells.append(CodeCell(source.strip("\n"), tags))
    return cells
