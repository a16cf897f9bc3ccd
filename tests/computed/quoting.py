"""Figures in the texts of the course: each is computed, and has to stand in the English and in the Chinese text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import torch
from helpers import ROOT

from grader.course.course import find_course
from grader.course.script import read_script


def quoted(exercise: str, *figures: str | tuple[str, str]) -> None:
    """Both texts of an exercise have every figure, as a number of its own; in a pair, each language has its own."""
    for figure in figures:
        for language, said in zip(("en", "zh"), figure if isinstance(figure, tuple) else (figure, figure), strict=True):
            number = rf"(?<![\d.,]){re.escape(said)}(?!\d|[.,]\d)"
            assert re.search(number, _text(exercise, language)), f"{exercise} ({language}) does not say {said}"


def count(number: float) -> str:
    """A whole number as the texts write it: 1,050,624."""
    return f"{round(number):,}"


def binary(number: float) -> str:
    """Bytes as the texts write them, in the largest unit of 1,024: 320 KiB."""
    units = iter(("bytes", "KiB", "MiB", "GiB"))
    unit = next(units)
    while number >= 1024:
        number, unit = number / 1024, next(units)
    return f"{number:g} {unit}"


def softmax(*scores: float) -> list[float]:
    """The weights that these scores get."""
    return torch.softmax(torch.tensor(scores, dtype=torch.float64), dim=0).tolist()


def three_digits(numbers: Iterable[float]) -> list[str]:
    """Weights as the texts write them: 0.731."""
    return [f"{number:.3f}" for number in numbers]


def reference(exercise: str) -> dict[str, Any]:
    """What the right solution of an exercise defines."""
    scope: dict[str, Any] = {}
    for cell in read_script(find_course(ROOT).solution(exercise) / "notebook.py").answer:
        exec(cell, scope)
    return scope


@cache
def _text(exercise: str, language: str) -> str:
    script = read_script(find_course(ROOT).solution(exercise) / "notebook.py")
    prose = (cell.source for cell in script.cells if cell.kind == "markdown" and cell.language == language)
    return " ".join(re.sub(r"^\s*> ?", "", "\n".join(prose), flags=re.MULTILINE).split())
