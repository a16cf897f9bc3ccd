"""Shows what was expected beside what came: as a picture on a page, and as text in a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from grader.report.model import Comparison, Grid, Language
from grader.report.picture import CELL, CHARACTER, FILL, LINE, MARGIN, MASK, WRONG, cell, label, legend, svg
from grader.text import Text

EXPECTED = Text("expected", "应为")
YOURS = Text("yours", "你的")
_AXES = Text("query ↓  key →", "查询 ↓  键 →")
_WRONG = Text("✗ wrong", "✗ 错误")
_ROW = Text("▶ first wrong row", "▶ 第一个错误的行")
_HIDDEN = Text("╱ hidden: must be 0", "╱ 被屏蔽：必须为 0")
_PART = Text("rows {rows}, columns {columns} of {size}", "共 {size}，此处为第 {rows} 行、第 {columns} 列")
_SAID = Text(
    "{name}, row {row}, the first that is wrong. Expected: {right}. Yours: {mine}.",
    "{name} 第 {row} 行，第一个错误的行。应为：{right}。你的：{mine}。",
)
WIDE = 60
"""Columns of a terminal that two matrices may take beside each other."""
BETWEEN = 28.0


def picture(shown: Comparison, language: Language) -> str:
    """Both as an SVG: the first wrong row and the wrong cells marked, and cells that are hidden struck out."""
    names = _row_names(shown)
    width = max(CELL, max(len(text) for row in (*shown.expected, *shown.got) for text in row) * 6.4 + 12)
    margin = MARGIN + CHARACTER * (max(map(len, names)) + 2) + 6
    panel = margin + width * len(shown.got[0])
    top = MARGIN + 2 * LINE + 16
    parts = [label(MARGIN, MARGIN + 12, _title(shown, language), weight=600)]
    for number, (grid, title) in enumerate(((shown.expected, EXPECTED), (shown.got, YOURS))):
        left = number * (panel + BETWEEN)
        parts.append(label(left + margin, MARGIN + LINE + 14, getattr(title, language), weight=600))
        for j in range(len(grid[0])):
            x = left + margin + width * (j + 0.5) - 1
            parts.append(label(x, top - 5, str(shown.column + j), "middle", size=10))
        for i, row in enumerate(grid):
            y = top + CELL * i
            name, weight = (f"▶ {names[i]}", 700) if i == shown.wrong[0][0] else (names[i], 400)
            parts.append(label(left + margin - 6, y + CELL / 2 + 3, name, "end", weight))
            for j, text in enumerate(row):
                x, wrong = left + margin + width * j, number == 1 and (i, j) in shown.wrong
                fill = WRONG if wrong and _is_hidden(shown, i, j) else FILL
                parts += cell(x, y, width, _share(text, shown), _as_shown(text), fill)
                parts += [_stroke(x, y, width)] if _is_hidden(shown, i, j) else []
                parts += _mark(x, y, width) if wrong else []
    bottom = top + CELL * len(names) + 4
    parts += _key_to_it(shown, bottom, language)
    return svg(2 * panel + BETWEEN + MARGIN, bottom + LINE + MARGIN, parts, _said(shown, language))


def _title(shown: Comparison, language: Language) -> str:
    title = shown.name
    if shown.kind == "weights":
        title += f"   {getattr(_AXES, language)}"
    rows, columns = len(shown.got), len(shown.got[0])
    if (rows, columns) != shown.size:
        last = (shown.row + rows - 1, shown.column + columns - 1)
        part = _PART.format(
            rows=f"{shown.row}-{last[0]}", columns=f"{shown.column}-{last[1]}", size="×".join(map(str, shown.size))
        )
        title += f"   ({getattr(part, language)})"
    return title


def _key_to_it(shown: Comparison, y: float, language: Language) -> list[str]:
    said = [_WRONG, _ROW, *([_HIDDEN] if _some_hidden(shown) else [])]
    parts = [label(MARGIN, y + 10, "  ·  ".join(getattr(text, language) for text in said), size=11)]
    x = MARGIN + 16 + sum(_width(getattr(text, language)) + 4 for text in said) * 6.4
    if shown.kind == "mask":
        return parts + legend(x, y, MASK)
    return parts + legend(x, y, [(0.0, "0"), (1.0, f"{_highest(shown):.2g}")]) if shown.kind == "weights" else parts


def _stroke(x: float, y: float, width: float) -> str:
    return (
        f'<line x1="{x:.1f}" y1="{y + CELL - 2:.1f}" x2="{x + width - 2:.1f}" y2="{y:.1f}" stroke="currentColor" '
        'stroke-opacity=".3"/>'
    )


def _mark(x: float, y: float, width: float) -> list[str]:
    return [
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width - 2:.1f}" height="{CELL - 2:.1f}" rx="2" fill="none" '
        f'stroke="{WRONG}" stroke-width="2"/>',
        label(x + width - 4, y + 10, "✗", "end", 700, 9),
    ]


def as_lines(shown: Comparison, language: Language) -> list[str]:
    """Both as text: beside each other where that is not too wide, else one above the other."""
    panels = [
        [getattr(title, language), *_rows(shown, grid, marks)]
        for grid, title, marks in ((shown.expected, EXPECTED, False), (shown.got, YOURS, True))
    ]
    wide = [max(map(_width, panel)) for panel in panels]
    title = _title(shown, language)
    if sum(wide) + 4 <= WIDE:
        beside = zip(*panels, strict=True)
        return [title, *(f"  {left}{' ' * (wide[0] - _width(left))}    {right}".rstrip() for left, right in beside)]
    return [title, *(f"  {line}" for panel in panels for line in panel)]


def _rows(shown: Comparison, grid: Grid, marked: bool) -> list[str]:
    names = _row_names(shown)
    longest = max(len(_in_text(text)) for row in (*shown.expected, *shown.got) for text in row)
    lines = []
    for i, row in enumerate(grid):
        arrow = "▶" if i == shown.wrong[0][0] else " "
        numbers = [
            f"{_in_text(text):>{longest}}{'✗' if marked and (i, j) in shown.wrong else ' '}"
            for j, text in enumerate(row)
        ]
        lines.append(f"{arrow}{names[i]:>{max(map(len, names))}}  {' '.join(numbers)}".rstrip())
    return lines


def _said(shown: Comparison, language: Language) -> str:
    """The first wrong row, in words."""
    row = shown.wrong[0][0]
    right, mine = " ".join(shown.expected[row]), " ".join(shown.got[row])
    return str(getattr(_SAID.format(name=shown.name, row=shown.row + row, right=right, mine=mine), language))


def _row_names(shown: Comparison) -> Sequence[str]:
    return [str(shown.row + i) for i in range(len(shown.got))]


def _is_hidden(shown: Comparison, i: int, j: int) -> bool:
    return shown.kind == "weights" and shown.expected[i][j] == "0"


def _some_hidden(shown: Comparison) -> bool:
    return any(_is_hidden(shown, i, j) for i, row in enumerate(shown.expected) for j in range(len(row)))


def _as_shown(text: str) -> str:
    return "" if text in ("True", "False") else text


def _in_text(text: str) -> str:
    return {"True": "■", "False": "·"}.get(text, text)


def _share(text: str, shown: Comparison) -> float:
    if shown.kind == "mask":
        return float(text == "True")
    return abs(float(text)) / _highest(shown) if shown.kind == "weights" else 0.0


def _highest(shown: Comparison) -> float:
    return max((abs(float(text)) for row in shown.expected for text in row), default=1.0) or 1.0


def _width(text: str) -> int:
    """Columns of a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
