"""Pictures for notebooks, as plain SVG: no plotting library to install, nothing to wait for.

Lines and letters have the colour of the text around them, so that they are seen in a light theme and in a dark one.
What is large is seen by how full a cell is, which is the same in both, and for those who see no colours.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any

CELL = 34.0
MARGIN = 8.0
CHARACTER = 7.2
LINE = 18.0
FILL = "#3b82f6"
WRONG = "#e5484d"
MASK = ((0.0, "False"), (1.0, "True"))
"""What an empty and a full cell of a mask stand for."""


class Picture:
    """An SVG that Jupyter shows; printed in a terminal, it is its numbers."""

    def __init__(self, svg: str, text: str) -> None:
        self._svg, self._text = svg, text

    def __add__(self, other: Picture) -> Picture:
        """Both pictures, which are then shown by one cell."""
        return Picture(f"{self._svg} {other._svg}", f"{self._text}\n\n{other._text}")

    def _repr_html_(self) -> str:
        return self._svg

    def __repr__(self) -> str:
        return self._text


def heatmap(
    matrix: Any, rows: Sequence[str] | None = None, columns: Sequence[str] | None = None, title: str = ""
) -> Picture:
    """Draw a matrix: attention weights, or a mask. One row per query, one column per key; the fuller, the larger.

    Args:
        matrix: (L, S), a tensor or nested lists; True and False are drawn as allowed and hidden.
        rows, columns: labels, the positions when None.
        title: written above.

    Raises:
        ValueError: the matrix does not have two axes.
    """
    values = matrix.tolist() if hasattr(matrix, "tolist") else [list(row) for row in matrix]
    if not values or not isinstance(values[0], list) or (values[0] and isinstance(values[0][0], list)):
        raise ValueError("heatmap draws one matrix (L, S); pick one of the batch and one head first")
    row_names = [str(name) for name in (rows or range(len(values)))]
    column_names = [str(name) for name in (columns or range(len(values[0])))]
    highest = max((abs(float(v)) for row in values for v in row), default=1.0)
    left = MARGIN + CHARACTER * max(map(len, row_names), default=0) + 6
    top = MARGIN + (22 if title else 0) + LINE
    right, bottom = left + CELL * len(column_names), top + CELL * len(row_names)
    parts = [label(MARGIN, MARGIN + 12, title, weight=600)] if title else []
    parts += [label(left + CELL * (j + 0.5), top - 6, name, "middle") for j, name in enumerate(column_names)]
    for i, row in enumerate(values):
        y = top + CELL * i
        parts.append(label(left - 6, y + CELL / 2 + 4, row_names[i], "end"))
        for j, value in enumerate(row):
            shown = "" if isinstance(value, bool) else _shown(value)
            parts += cell(left + CELL * j, y, CELL, abs(float(value)) / max(highest, 1e-9), shown)
    is_mask = isinstance(values[0][0], bool) if values[0] else False
    parts += legend(MARGIN, bottom + 6, MASK if is_mask else [(0.0, "0"), (1.0, _shown(highest))])
    text = "\n".join(" ".join(_shown(value) for value in row) for row in values)
    text = f"{title}\n{text}" if title else text
    return Picture(svg(max(right + MARGIN, 120), bottom + LINE + MARGIN, parts, text), text)


def svg(width: float, height: float, parts: Iterable[str], said: str) -> str:
    """A picture of these parts; ``said`` is for those who do not see it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" style="max-width:100%;height:auto" role="img" '
        f'aria-label="{html.escape(said)}" font-family="sans-serif" font-size="12" fill="currentColor">'
        f"{''.join(parts)}</svg>"
    )


def label(x: float, y: float, text: str, anchor: str = "start", weight: int = 400, size: int = 12) -> str:
    """A text in the picture."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" font-size="{size}">'
        f"{html.escape(text)} </text>"
    )


def cell(x: float, y: float, width: float, share: float, text: str, fill: str = FILL) -> list[str]:
    """A cell, filled from its bottom as far as its share of the largest goes, with its number."""
    inner, outer = CELL - 2, width - 2
    full = min(max(share, 0.0), 1.0) * inner if share == share else 0.0
    return [
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{outer:.1f}" height="{inner:.1f}" rx="2" fill="none" '
        'stroke="currentColor" stroke-opacity=".25"/>',
        f'<rect x="{x:.1f}" y="{y + inner - full:.1f}" width="{outer:.1f}" height="{full:.1f}" rx="2" '
        f'fill="{fill}" fill-opacity=".6"/>',
        label(x + outer / 2, y + inner / 2 + 4, text, "middle", size=11) if text else "",
    ]


def legend(x: float, y: float, shares: Iterable[tuple[float, str]]) -> list[str]:
    """What an empty and a full cell stand for."""
    parts = []
    for share, text in shares:
        parts += [
            f'<rect x="{x:.1f}" y="{y:.1f}" width="11" height="11" rx="2" fill="none" stroke="currentColor" '
            'stroke-opacity=".4"/>',
            f'<rect x="{x:.1f}" y="{y + 11 * (1 - share):.1f}" width="11" height="{11 * share:.1f}" rx="2" '
            f'fill="{FILL}" fill-opacity=".6"/>',
            label(x + 16, y + 10, text, size=11),
        ]
        x += 28 + CHARACTER * len(text)
    return parts


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "■" if value else "·"
    return f"{value:.2f}" if value else "0"
