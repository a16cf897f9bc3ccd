"""What the course's own files import of the grader: the vocabulary where exercises are graded, and in notebooks the
public names. They are no package, so import-linter does not see them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from helpers import ROOT

import grader
from grader import authoring

SOURCES = sorted((ROOT / "solutions").rglob("*.py"))
HANDED_OUT = sorted((ROOT / "exercises").rglob("*.ipynb"))
VOCABULARY = {f"grader.authoring.{name}" for name in authoring.__all__}
PUBLIC = {f"grader.{name}" for name in grader.__all__}


def imported(code: str) -> Iterator[str]:
    """Everything of the grader that code imports, wherever in it; ``grader`` alone for the whole package."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == "grader")


def code_of(notebook: Path) -> str:
    cells = nbformat.read(notebook, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_sources(path: Path) -> None:
    allowed = PUBLIC if path.name == "notebook.py" else VOCABULARY
    assert set(imported(path.read_text(encoding="utf-8"))) <= allowed


@pytest.mark.parametrize("path", HANDED_OUT, ids=name)
def test_notebooks(path: Path) -> None:
    assert set(imported(code_of(path))) <= PUBLIC


def test_every_kind_of_file_is_looked_at() -> None:
    assert {path.name for path in SOURCES} >= {"grading.py", "notebook.py", "shared.py"}
    assert set(imported((ROOT / "solutions" / "shared.py").read_text(encoding="utf-8")))
    assert all(set(imported(code_of(path))) for path in HANDED_OUT)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import grader", {"grader"}),
        ("import torch, grader.values.compare as c", {"grader.values.compare"}),
        (
            "def probe(f):\n    from grader.authoring import Case, Predicted",
            {"grader.authoring.Case", "grader.authoring.Predicted"},
        ),
        ("from grader.authoring import *", {"grader.authoring.*"}),
        ("from grader import check", {"grader.check"}),
        ("import graders\nfrom grading import grader", set()),
    ],
)
def test_what_counts_as_an_import(code: str, found: set[str]) -> None:
    assert set(imported(code)) == found


def test_the_public_names_are_there() -> None:
    assert all(hasattr(grader, public) for public in grader.__all__)
    assert all(hasattr(authoring, word) for word in authoring.__all__)
