"""Sentences about what happened while a submission's cells were run: notes, and why a name is missing."""

from __future__ import annotations

import re
from collections.abc import Callable

from grader.runner.runner import Run
from grader.submission.notes import Note
from grader.text import Text
from grader.verdict import messages
from grader.wire.calls import Raised
from grader.wire.ended import Ended

_ENDED = {
    Ended.TIMEOUT: messages.CELL_NEVER_ENDS,
    Ended.WAITING: messages.CELL_WAITS,
    Ended.OUT_OF_MEMORY: messages.CELL_USES_TOO_MUCH_MEMORY,
    Ended.CRASHED: messages.CELL_ENDS_THE_PROCESS,
}


def happened(error: Raised) -> Text:
    """What became of a statement, to be said behind its place: "there is no matplotlib here"."""
    library = missing_library(error)
    if library:
        return messages.NO_LIBRARY_HERE.format(library=library)
    said = _in_a_line(error.message)
    match error.type:
        case "StoppedError" if error.message == Ended.WAITING:
            return messages.STOPPED_WAITING
        case "StoppedError":
            return messages.STOPPED_COMPUTING
        case "AssertionError":
            return messages.ASSERTION_FAILS_SAYING.format(said=said) if said else messages.ASSERTION_FAILS
        case "SystemExit":
            return messages.ENDS_THE_PROGRAM
        case "EOFError":
            return messages.ASKS_FOR_INPUT
        case "SyntaxError" | "IndentationError" | "TabError":
            return messages.NOT_PYTHON.format(said=_IN_CELL.sub("", said))
        case "MemoryError":
            return messages.TOO_MUCH_MEMORY
    if not said:
        return messages.RAISES.format(type=error.type)
    return messages.RAISES_SAYING.format(type=error.type, said=said)


def _in_a_line(text: str) -> str:
    """What a submission says is quoted within a sentence: it makes no lines of its own."""
    return " ".join(text.split())[:160]


_IN_CELL = re.compile(r" \((?:<\w[^()]*>, )?line \d+\)$")
"""What Python says behind a syntax error of where it is; our notes say it themselves."""


def missing_library(error: Raised) -> str | None:
    """The library that an exception says is not installed."""
    if error.type == "MissingLibraryError":
        return _in_a_line(error.message.partition(".")[0])
    found = re.match(r"No module named '([\w.]+)'", error.message)
    return found[1].partition(".")[0] if found and "ImportError" in error.bases else None


def ended(how: Ended) -> Text:
    """What is said of a cell that ended the process and was then left out."""
    return _ENDED[how]


def notes_on(run: Run, place: Callable[[int, int | None], tuple[int | None, int | None]]) -> list[Note]:
    """What failed, was stopped or is missing, in the order of the cells."""
    found = [(error.cell or 0, error.line, happened(error)) for error in run.cell_errors]
    found += [(cell, None, ended(how)) for cell, how in run.ended_cells.items()]
    found.sort(key=lambda note: (note[0], note[1] or 0))
    return [Note(text, *place(cell, line)) for cell, line, text in found]
