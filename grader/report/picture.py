"""Pictures for notebooks, as plain SVG: no plotting library to install, nothing to wait for."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

CELL = 34
MARGIN = 8
CHARACTER = 7.2


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
    """Draw a matrix: attention weights, or a mask. One row per query, one column per key; darker is larger.

    Args:
        matrix: (L, S), a tensor or nested lists; True and False are drawn as allowed and hidden.
        rows, columns: labels, the positions when None.
        title: written above.

    Raises:
        ValueError: the matrix does not have two axes.
    """
    values = matrix.tolist() if hasattr(matrix, "tolist") else [list(row) for row in matrix]
    if not values or not isinstance(values[0], list) or isinstance(values[0][0], list):
        raise ValueError("heatmap draws one matrix (L, S); pick one of the batch and one head first")
    row_names = [str(name) for name in (rows or range(len(values)))]
    column_names = [str(name) for name in (columns or range(len(values[0])))]
    highest = max(max((abs(float(v)) for row in values for v in row), default=1.0), 1e-9)
    left = MARGIN + CHARACTER * max(map(len, row_names)) + 6
    top = MARGIN + (22 if title else 0) + 18
    width, height = left + CELL * len(column_names) + MARGIN, top + CELL * len(row_names) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        'font-family="sans-serif" font-size="12">'
    ]
    if title:
        parts.append(f'<text x="{MARGIN}" y="{MARGIN + 12}" font-weight="600" fill="#777">{html.escape(title)}</text>')
    for j, name in enumerate(column_names):
        x = left + CELL * (j + 0.5)
        parts.append(f'<text x="{x}" y="{top - 6}" text-anchor="middle" fill="#777">{html.escape(name)}</text>')
    for i, row in enumerate(values):
        y = top + CELL * i
        parts.append(
            f'<text x="{left - 6:.0f}" y="{y + CELL / 2 + 4}" text-anchor="end" fill="#777">'
            f"{html.escape(row_names[i])}</text>"
        )
        parts += [_cell(value, left + CELL * j, y, highest) for j, value in enumerate(row)]
    text = "\n".join(" ".join(_shown(value) for value in row) for row in values)
    return Picture("".join([*parts, "</svg>"]), f"{title}\n{text}" if title else text)


def _cell(value: Any, x: float, y: float, highest: float) -> str:
    share = abs(float(value)) / highest
    ink = "#fff" if share > 0.55 else "#456"
    shown = "" if isinstance(value, bool) else _shown(value)
    return (
        f'<rect x="{x}" y="{y}" width="{CELL - 2}" height="{CELL - 2}" rx="3" fill="#0969da" '
        f'fill-opacity="{0.06 + 0.94 * share:.3f}"/>'
        f'<text x="{x + CELL / 2 - 1}" y="{y + CELL / 2 + 3}" text-anchor="middle" font-size="10" fill="{ink}">'
        f"{shown}</text>"
    )


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "■" if value else "·"
    return f"{value:.2f}" if value else "0"
