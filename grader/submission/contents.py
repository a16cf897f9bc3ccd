"""What stands in a file that was handed in, before anything is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from grader.text import Text

Kind = Literal["code", "markdown", "raw"]


class UnreadableError(Exception):
    """The file is no submission; ``text`` says what it is and what to do about it."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


@dataclass(frozen=True)
class Cell:
    """A cell as it was written.

    Args:
        number: its place in the notebook, counted from 1 over cells of every kind; None in a script.
        line: the line of the script in which its text begins; 1 in a notebook, whose lines are its cells'.
    """

    number: int | None
    kind: Kind
    source: str
    line: int = 1


@dataclass(frozen=True)
class Contents:
    """The cells of a file, and what the file says of itself.

    Args:
        named_exercise: the exercise that the metadata name.
        python: the version of Python that the file was written with, such as ``(3, 12)``.
    """

    cells: tuple[Cell, ...]
    named_exercise: str | None = None
    python: tuple[int, int] | None = None

    @property
    def code(self) -> tuple[Cell, ...]:
        """The code cells."""
        return tuple(cell for cell in self.cells if cell.kind == "code")
