"""``notebook.py``: the one reader of an exercise's text, stub and reference."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from grader.course.errors import ExerciseError

TAGS = frozenset(
    {"demo", "given", "solution", "broken", "answer", "rubric", "check", "follow-up", "hint", "discussion"}
)
"""What a cell may be tagged as; docs/authoring.md says what each means."""
NOT_ANSWERS = frozenset({"demo", "check", "broken"})
"""Tags of code cells that show something, or are handed out to be mended: they are no part of the right answer."""
STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")
"""What nbgrader's ``ClearSolutions`` leaves in place of a solution."""

_ANSWER = re.compile(r"^ *> ?")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_STOP = re.compile(r"[，、。；：！？）”…]$")
_BLOCK = re.compile(r"(?:[-*+]|\d+\.) |[|#<]|```|\$\$")


@dataclass(frozen=True)
class Cell:
    """One cell; ``language`` is that of its prose."""

    kind: Literal["code", "markdown", "raw"]
    source: str
    tags: frozenset[str] = frozenset()
    language: str = "en"


@dataclass(frozen=True)
class WrittenPart:
    """The model answer to a written question, and one rubric item a point."""

    answer: str
    rubric: tuple[str, ...]


@dataclass(frozen=True)
class FollowUp:
    """What an interviewer asks next, and how a strong candidate answers; empty where no answer is written yet."""

    question: str
    answer: str


@dataclass(frozen=True)
class Script:
    """A ``notebook.py``: its cells in order."""

    cells: tuple[Cell, ...]

    @property
    def code(self) -> tuple[Cell, ...]:
        """The code cells."""
        return tuple(cell for cell in self.cells if cell.kind == "code")

    @property
    def answer(self) -> tuple[str, ...]:
        """The code that defines the right solution."""
        return tuple(cell.source for cell in self.code if not cell.tags & NOT_ANSWERS)

    @property
    def left_out(self) -> frozenset[str]:
        """Texts of the code cells that only show something; a submission's copy of one need not be run."""
        return frozenset(cell.source.strip() for cell in self.code if cell.tags & {"demo", "check"})

    @property
    def handed_out(self) -> tuple[str, ...]:
        """The code cells as a learner gets them: without the solution, or with the broken code that stands for it."""
        cells, broken = [], None
        for cell in self.code:
            if "broken" in cell.tags:
                broken = cell.source
            elif "solution" in cell.tags:
                cells.append(_cleared(cell.source) if broken is None else broken)
                broken = None
            else:
                cells.append(cell.source)
        return tuple(cells)

    def prose(self, cell: Cell) -> str:
        """The text of a cell as it is handed out: of what the interviewer asks next, the questions alone.

        Empty where there is a bug to be found: these questions would name it, so they are told with the answers.
        """
        if "follow-up" not in cell.tags:
            return cell.source
        return "" if self.has_a_bug else without_answers(cell.source)

    @property
    def has_a_bug(self) -> bool:
        """Whether code with a bug is handed out, and not only blanks to be filled in."""
        broken = (cell.source for cell in self.code if "broken" in cell.tags)
        return any(re.search(r"^(def|class) ", source, re.MULTILINE) for source in broken)

    def hints(self) -> dict[str, list[str]]:
        """The hints, weakest first, by language."""
        return {language: self._prose("hint", language) for language in ("en", "zh")}

    def follow_ups(self, language: str) -> tuple[FollowUp, ...]:
        """The follow-up questions with their answers, in one language."""
        cells = self._prose("follow-up", language)
        items = [item for cell in cells for item in re.split(r"^\d+\. ", cell, flags=re.MULTILINE)[1:]]
        return tuple(FollowUp(_joined(without_answers(item)), _joined(_only_answers(item))) for item in items)

    def discussion(self, language: str) -> str:
        """The discussion, in one language."""
        return "\n\n".join(self._prose("discussion", language))

    def written_part(self, language: str) -> WrittenPart:
        """The written question's model answer and rubric in one language."""
        cells = self._prose("rubric", language)
        items = [item.strip() for cell in cells for item in re.split(r"^- ", cell, flags=re.MULTILINE)]
        return WrittenPart("\n\n".join(self._prose("answer", language)), tuple(item for item in items if item))

    def _prose(self, tag: str, language: str) -> list[str]:
        return [
            cell.source.strip()
            for cell in self.cells
            if cell.kind == "markdown" and tag in cell.tags and cell.language == language
        ]


def read_script(path: Path) -> Script:
    """Read a ``notebook.py``, a script in jupytext's percent format.

    Raises:
        ExerciseError: it cannot be read, or has a tag that is none of `TAGS`.
    """
    library = jupytext()
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ExerciseError(f"{path}: {error.strerror}; every exercise has a notebook.py") from None
    except UnicodeDecodeError as error:
        raise ExerciseError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    cells = []
    for cell in library.reads(text, fmt="py:percent").cells:
        tags = frozenset(map(str, cell.metadata.get("tags", [])))
        for tag in sorted(tags - TAGS):
            known = ", ".join(sorted(TAGS))
            raise ExerciseError(f"{path}:{_line_of(tag, text)}: {tag!r} is no tag of a cell; there are {known}")
        language = str(cell.metadata.get("lang", "en"))
        prose = cell.cell_type == "markdown" and language == "zh"
        cells.append(Cell(cell.cell_type, _unbroken(cell.source) if prose else cell.source, tags, language))
    return Script(tuple(cells))


def without_answers(text: str) -> str:
    """The follow-up questions without the answers, which are quoted (``>``) below each."""
    return "\n".join(line for line in text.split("\n") if not _ANSWER.match(line))


def _only_answers(text: str) -> str:
    return "\n".join(_ANSWER.sub("", line) for line in text.split("\n") if _ANSWER.match(line))


def _joined(lines: str) -> str:
    """Text without the line breaks of its source."""
    return " ".join(lines.split())


def _unbroken(text: str) -> str:
    """Chinese text without the line breaks inside a paragraph that would be shown as spaces."""
    lines: list[str] = []
    fenced = False
    for line in text.split("\n"):
        fenced ^= line.lstrip().startswith("```")
        if lines and not fenced and _goes_on(lines[-1], line):
            lines[-1] += line.lstrip(" >")
        else:
            lines.append(line)
    return "\n".join(lines)


def _goes_on(before: str, line: str) -> bool:
    """Whether a line is the rest of the one before it, and belongs there without a space."""
    text = line.lstrip(" >")
    if not (before and text) or _BLOCK.match(text) or before.lstrip().startswith("|"):
        return False
    if before.lstrip().startswith(">") != line.lstrip().startswith(">"):
        return False
    return bool(_STOP.search(before) or text[0] in "（“" or (_CHINESE.match(before[-1:]) and _CHINESE.match(text)))


def jupytext() -> Any:
    """The library of that name, imported when first needed, and without the slow part of it.

    A library that it imports compiles a grammar at import, for a second, to check addresses that no notebook has;
    where it cannot be imported, nothing else changes.
    """
    slow = "rfc3987_syntax"
    mine = slow not in sys.modules
    if mine:
        sys.modules[slow] = None  # type: ignore[assignment]
    try:
        import jupytext as library
    finally:
        if mine:
            del sys.modules[slow]
    return library


def _line_of(tag: str, text: str) -> int:
    """The line of the first cell with a tag."""
    lines = text.split("\n")
    return next((number for number, line in enumerate(lines, 1) if line.startswith("# %%") and tag in line), 1)


def _cleared(source: str) -> str:
    """The source of a solution cell as nbgrader's ``ClearSolutions`` leaves it."""
    lines, inside = [], False
    for line in source.split("\n"):
        if "BEGIN SOLUTION" in line:
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + stub for stub in STUB]
            inside = True
        elif "END SOLUTION" in line:
            inside = False
        elif not inside:
            lines.append(line)
    return "\n".join(lines) if "BEGIN SOLUTION" in source else "\n".join(STUB)
