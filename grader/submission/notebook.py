"""A notebook's JSON into its cells: formats 4, 3 and 2. Nothing is believed, nothing is executed.

nbformat is not used: importing it costs more than grading does, and little is wanted of a notebook.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from grader.submission.conflicts import conflict, first_mark
from grader.submission.contents import Cell, Contents, UnreadableError
from grader.submission.heavy import notebook_from
from grader.text import Text

METADATA_KEY = "attention_workshop"

_NOTEBOOK = re.compile(r'"(?:nbformat|cell_type|worksheets)"\s*:')
_CUT = 8
"""Characters before the end of a file that was cut off: half a word, such as ``fals``, is not at its very end."""
_START_AGAIN = Text(
    "open it in Jupyter and save it again, or start again from the file as handed out",
    "请在 Jupyter 中打开并重新保存，或从发下来的文件重新开始",
)


def looks_like_notebook(text: str) -> bool:
    """True for the JSON of a notebook, or for what is left of it: its beginning is enough."""
    return text.lstrip().startswith("{") and _NOTEBOOK.search(text) is not None


def read_notebook(text: str) -> Contents:
    """The cells of a notebook.

    Raises:
        UnreadableError: it is not a notebook, or one of another language.
    """
    notebook = _json(text)
    found = _cells(notebook)
    if found is None:
        raise UnreadableError(
            Text(
                "This is JSON, but no notebook: it has no list of cells; hand in the notebook (.ipynb) itself.",
                "这是 JSON，但不是笔记本：其中没有单元列表；请提交笔记本（.ipynb）本身。",
            )
        )
    cells = tuple(_cell(number, cell) for number, cell in enumerate(found, 1) if isinstance(cell, dict))
    metadata = _dict(notebook.get("metadata"))
    contents = Contents(cells, _text(_dict(metadata.get(METADATA_KEY)).get("exercise")), _python(metadata))
    language = _other_language(metadata)
    if language and not any(map(_defines, contents.code)):
        shown = "".join(c if c.isprintable() else "�" for c in language[:40])
        raise UnreadableError(
            Text(
                f"This is a notebook of another language, {shown}; the exercises are answered in Python. "
                "Choose a Python kernel (Kernel > Change Kernel) and write the answer there.",
                f"这是另一种语言（{shown}）的笔记本；习题需用 Python 作答。"
                "请选择 Python 内核（Kernel > Change Kernel）后再写解答。",
            )
        )
    return contents


def _json(text: str) -> dict[str, Any]:
    try:
        found = notebook_from(text)
    except RecursionError:
        raise UnreadableError(
            Text(
                f"The notebook's JSON is nested too deeply to be a notebook; {_START_AGAIN.en}.",
                f"笔记本的 JSON 嵌套过深，不是笔记本；{_START_AGAIN.zh}。",
            )
        ) from None
    except ValueError as error:
        raise UnreadableError(_broken(text, error)) from None
    return found if isinstance(found, dict) else {}


def _broken(text: str, error: ValueError) -> Text:
    mark = first_mark(text)
    if mark:
        return conflict(mark)
    if not isinstance(error, json.JSONDecodeError):
        en, zh = "a number too long", "有一个数过长"
    elif error.pos >= len(text.rstrip()) - _CUT or error.msg.startswith("Unterminated string"):
        last = text.rstrip().count("\n") + 1
        return Text(
            f"The notebook ends in the middle of line {last}, so it is not valid JSON: "
            "it was not saved or copied whole. Save it again in Jupyter, or download it again, and hand that in.",
            f"笔记本在第 {last} 行中途结束，不是有效的 JSON：保存或复制时不完整。"
            "请在 Jupyter 中重新保存，或重新下载后再提交。",
        )
    else:
        en, zh = f"line {error.lineno}", f"第 {error.lineno} 行"
    return Text(
        f"The notebook is not valid JSON ({en}); {_START_AGAIN.en}.",
        f"笔记本不是有效的 JSON（{zh}）；{_START_AGAIN.zh}。",
    )


def _cells(notebook: dict[str, Any]) -> list[Any] | None:
    """Cells as they stand; in formats 2 and 3 they lie on worksheets."""
    cells, worksheets = notebook.get("cells"), notebook.get("worksheets")
    if isinstance(cells, list) and not (isinstance(worksheets, list) and not cells):
        return cells
    if not isinstance(worksheets, list):
        return None
    return list(_on(worksheets))


def _on(worksheets: list[Any]) -> Iterator[Any]:
    for worksheet in worksheets:
        cells = _dict(worksheet).get("cells")
        yield from cells if isinstance(cells, list) else ()


def _cell(number: int, cell: dict[str, Any]) -> Cell:
    kind = cell.get("cell_type")
    if kind == "code":
        return Cell(
            number, "code", _joined(cell["source"]) if "source" in cell else _joined(cell.get("input"), old=True)
        )
    return Cell(number, "raw" if kind == "raw" else "markdown", _joined(cell.get("source")))


def _joined(source: object, old: bool = False) -> str:
    if not isinstance(source, list):
        return _text(source) or ""
    lines = [line for line in source if isinstance(line, str)]
    # Format 2 writes lines without their ends.
    ended = any(line.endswith("\n") for line in lines)
    return ("\n" if old and not ended else "").join(lines)


def _python(metadata: dict[str, Any]) -> tuple[int, int] | None:
    version = _text(_dict(metadata.get("language_info")).get("version")) or ""
    found = re.match(r"(3)\.(\d{1,3})(?!\d)", version)
    return (int(found[1]), int(found[2])) if found else None


def _other_language(metadata: dict[str, Any]) -> str | None:
    """The language that the metadata name, if they name one and it is not Python."""
    kernel, info = _dict(metadata.get("kernelspec")), _dict(metadata.get("language_info"))
    named = [_text(info.get("name")), _text(kernel.get("language"))]
    name = (_text(kernel.get("name")) or "").lower()
    named.append("R" if name == "ir" else "Julia" if name.startswith("julia") else None)
    languages = [name for name in named if name and name.strip()]
    return None if any("python" in name.lower() for name in languages) else next(iter(languages), None)


def _defines(cell: Cell) -> bool:
    """True for a cell of Python that defines something: metadata may be wrong about it."""
    return re.search(r"^[ \t]*(?:def|class) +\w+.*:", cell.source, re.MULTILINE) is not None


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
