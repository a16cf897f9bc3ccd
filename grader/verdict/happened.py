"""Sentences about what happened while a submission's cells were run: notes, and why a name is missing."""

from __future__ import annotations

import re
from collections.abc import Callable

from grader.runner.pool import Run
from grader.submission.notes import Note
from grader.text import Text
from grader.wire.calls import Raised
from grader.wire.ended import Ended


def happened(error: Raised) -> Text:
    """What became of a statement, to be said behind its place: "there is no matplotlib here"."""
    library = missing_library(error)
    if library:
        return Text(f"there is no {library} here", f"这里没有 {library}")
    said = _in_a_line(error.message)
    match error.type:
        case "StoppedError" if error.message == Ended.WAITING:
            return Text("it was stopped: it waits for something that does not come", "已被中止：它在等待不会到来的东西")
        case "StoppedError":
            return Text("it was stopped: it computes for too long", "已被中止：计算时间过长")
        case "AssertionError":
            return Text(f"an assertion fails: {said}" if said else "an assertion fails", f"断言失败：{said}")
        case "SystemExit":
            return Text("it ends the program", "它结束了程序")
        case "EOFError":
            return Text("it asks for input, and nobody is there to answer", "它要求输入，而这里无人回答")
        case "SyntaxError" | "IndentationError" | "TabError":
            said = _IN_CELL.sub("", said)
            return Text(f"it is not Python: {said}", f"不是合法的 Python：{said}")
        case "MemoryError":
            return Text("it uses too much memory", "它占用内存过多")
    if not said:
        return Text(f"it raises {error.type}", f"它抛出了 {error.type}")
    return Text(f"it raises {error.type}: {said}", f"它抛出了 {error.type}：{said}")


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
    return {
        Ended.TIMEOUT: Text("this cell never ends and was left out", "这个单元不会结束，被跳过"),
        Ended.WAITING: Text("this cell waits, cannot be interrupted and was left out", "这个单元一直在等待，被跳过"),
        Ended.OUT_OF_MEMORY: Text("this cell uses too much memory and was left out", "这个单元占用内存过多，被跳过"),
    }.get(how, Text("this cell ends the process and was left out", "这个单元结束了进程，被跳过"))


def notes_on(run: Run, place: Callable[[int, int | None], tuple[int | None, int | None]]) -> list[Note]:
    """What failed, was stopped or is missing, in the order of the cells."""
    found = [(error.cell or 0, error.line, happened(error)) for error in run.cell_errors]
    found += [(cell, None, ended(how)) for cell, how in run.ended_cells.items()]
    found.sort(key=lambda note: (note[0], note[1] or 0))
    return [Note(text, *place(cell, line)) for cell, line, text in found]


STUB_PASSED_OVER = Text(
    "the stub, as it was handed out, stands below your answer and would undo it, so it was passed over",
    "发下来的原样代码写在你的解答之后，会使解答失效，因此被跳过",
)
