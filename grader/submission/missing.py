"""Why what an exercise asks for is not defined, where the file tells more than its code.

Looked for in this order: an unfinished merge, Python newer than the one that grades, an answer in a cell that is not
code, no code at all.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Collection, Iterator

from grader.submission.conflicts import conflict, first_mark
from grader.submission.contents import Cell
from grader.submission.language import WRITING, cell_magic, parse
from grader.submission.newer import Version, needed_version
from grader.submission.notes import Note
from grader.submission.reader import Submission
from grader.submission.statics import definitions
from grader.text import Text

_FENCE = re.compile(r"\s*```[^\n`]*\n(.*)\n[ \t]*```\s*", re.DOTALL)


def why_missing(submission: Submission, targets: Collection[str]) -> Text | None:
    """What keeps a submission from defining any of its targets, and what to do; None where only its code can tell."""
    broken = list(_broken(submission, targets))
    for cell, _ in broken:
        mark = first_mark(cell.source)
        if mark:
            return conflict(cell.line + mark - 1, cell.number)
    for cell, code in broken:
        version = needed_version(code, parse)
        if version:
            return _newer(version, cell)
    for cell in submission.written:
        if cell.kind != "code":
            for name in sorted(set(targets) & _defined(cell)):
                return _not_code(name, cell)
    written = [cell for cell in submission.written if cell.kind == "code"]
    for cell, made in zip(written, submission.cells, strict=False):
        magic = cell_magic(made)
        if magic is not None:
            for name in sorted(set(targets) & definitions([magic.body]).keys()):
                return _under_magic(name, cell, magic.name)
    if not any(code.strip() for code in submission.cells):
        return _NO_CODE
    return None


def notes_on(submission: Submission, targets: Collection[str]) -> Iterator[Note]:
    """The same of a submission that defines some of its targets: what else keeps it from being what was meant."""
    defined = definitions(submission.cells).keys()
    broken = list(_broken(submission, targets))
    if broken and submission.python and submission.python > sys.version_info[:2]:
        yield Note(_written_with(submission.python))
    if not set(targets) & defined:
        return
    for cell, code in broken:
        mark, version = first_mark(cell.source), needed_version(code, parse)
        if mark:
            yield Note(conflict(cell.line + mark - 1, cell.number), cell.number, cell.line + mark - 1)
        elif version:
            yield Note(_newer(version, cell), cell.number, cell.line)
    for cell in submission.written:
        if cell.kind != "code":
            for name in sorted((set(targets) - defined) & _defined(cell)):
                yield Note(_not_code(name, cell), cell.number, cell.line)


def _broken(submission: Submission, targets: Collection[str]) -> Iterator[tuple[Cell, str]]:
    """Code cells that do not parse, with the code made of them; first those that speak of a target."""
    code = [cell for cell in submission.written if cell.kind == "code"]
    broken = [(cell, made) for cell, made in zip(code, submission.cells, strict=False) if parse(made) is None]
    speaks = re.compile(rf"\b(?:{'|'.join(map(re.escape, targets))})\b")
    yield from sorted(broken, key=lambda pair: speaks.search(pair[1]) is None)


def _defined(cell: Cell) -> set[str]:
    """What the text of a cell that is not code would define if it were."""
    fenced = _FENCE.fullmatch(cell.source)
    return set(definitions([textwrap.dedent(fenced[1] if fenced else cell.source)]))


def _newer(version: Version, cell: Cell) -> Text:
    needed, running = (f"{major}.{minor}" for major, minor in (version, sys.version_info[:2]))
    en = f"cell {cell.number}" if cell.number else "the code"
    zh = f"第 {cell.number} 个单元" if cell.number else "代码"
    return Text(
        f"This is written for Python {needed}, but this grader runs Python {running}: {en} uses syntax that came "
        f"with {needed}. Write it as Python {running} has it, or ask for a grader with Python {needed}.",
        f"这是为 Python {needed} 写的，而评分程序运行的是 Python {running}：{zh}使用了 {needed} 才有的语法。"
        f"请改用 Python {running} 的写法，或请人用 Python {needed} 的评分程序来评分。",
    )


def _written_with(version: Version) -> Text:
    written, running = (f"{major}.{minor}" for major, minor in (version, sys.version_info[:2]))
    return Text(
        f"The notebook was written with Python {written}; this grader runs Python {running}.",
        f"这个笔记本是用 Python {written} 写的；评分程序运行的是 Python {running}。",
    )


def _not_code(name: str, cell: Cell) -> Text:
    if cell.number is None:
        return Text(
            f"`{name}` stands in a Markdown cell (line {cell.line}), which is not run: take the `[markdown]` off the "
            "line that begins the cell, and the `#` off its code.",
            f"`{name}` 写在 Markdown 单元中（第 {cell.line} 行），不会被运行：请删去该单元起始行的 `[markdown]`，"
            "并去掉代码前的 `#`。",
        )
    kind = Text("a raw cell", "raw 单元") if cell.kind == "raw" else Text("a Markdown cell", "Markdown 单元")
    return Text(
        f"`{name}` stands in cell {cell.number}, which is {kind.en} and is not run: change its type to Code "
        "(select the cell, press Esc, then Y), and save.",
        f"`{name}` 写在第 {cell.number} 个单元中，那是{kind.zh}，不会被运行：请把它的类型改为 Code"
        "（选中单元，按 Esc，再按 Y），然后保存。",
    )


def _under_magic(name: str, cell: Cell, magic: str) -> Text:
    en = f"cell {cell.number}" if cell.number else f"the cell in line {cell.line}"
    zh = f"第 {cell.number} 个单元" if cell.number else f"第 {cell.line} 行的单元"
    if magic in WRITING:
        return Text(
            f"`{name}` stands in {en}, which is only written into a file (`%%{magic}`): "
            f"import it below, or take that line off.",
            f"`{name}` 写在{zh}中，该单元只被写入文件（`%%{magic}`）：请在下面导入它，或删去这一行。",
        )
    return Text(
        f"`{name}` stands in {en} below `%%{magic}`, so it is not run as this notebook's Python: take that line off.",
        f"`{name}` 写在{zh}的 `%%{magic}` 之下，不会作为本笔记本的 Python 运行：请删去这一行。",
    )


_NO_CODE = Text(
    "There is no code in this file; write your answer in a code cell, and save before you hand it in.",
    "文件中没有代码；请在代码单元中写下解答，保存后再提交。",
)
