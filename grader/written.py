"""The parts of a ``notebook.py`` that are prose for later: hints, model answers, rubrics."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_HEADER = re.compile(r"^# %% \[markdown\](?P<rest>.*)$", re.MULTILINE)
_ANY_HEADER = re.compile(r"^# %%", re.MULTILINE)


@dataclass(frozen=True)
class WrittenPart:
    """The model answer to a written question, and one rubric item a point."""

    answer: str
    rubric: tuple[str, ...]


def hints_of(script: Path) -> dict[str, list[str]]:
    """The hints, weakest first, by language."""
    return {language: _prose(script, "hint", language) for language in ("en", "zh")}


def written_part(script: Path, language: str) -> WrittenPart:
    """The written question's model answer and rubric in one language."""
    items = [item for cell in _prose(script, "rubric", language) for item in re.split(r"^- ", cell, flags=re.MULTILINE)]
    return WrittenPart(
        "\n\n".join(_prose(script, "answer", language)), tuple(item.strip() for item in items if item.strip())
    )


def _prose(script: Path, tag: str, language: str) -> list[str]:
    """Markdown cells with a tag, in one language."""
    text = script.read_text(encoding="utf-8")
    cells = []
    for header in _HEADER.finditer(text):
        rest = header["rest"]
        if f'"{tag}"' not in rest or ('lang="zh"' in rest) != (language == "zh"):
            continue
        following = _ANY_HEADER.search(text, header.end())
        body = text[header.end() : following.start() if following else len(text)]
        cells.append(
            "\n".join(line.removeprefix("#").removeprefix(" ") for line in body.strip("\n").split("\n")).strip()
        )
    return cells
