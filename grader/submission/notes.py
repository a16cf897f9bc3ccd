"""What is said of a submission beside its grade. A note never costs a mark."""

from __future__ import annotations

from dataclasses import dataclass

from grader.text import Text


@dataclass(frozen=True)
class Note:
    """Something that happened on the way, and the cell and line where, counted from 1."""

    message: Text
    cell: int | None = None
    line: int | None = None
