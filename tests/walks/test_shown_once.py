"""In a real kernel every ``check`` shows its report, at once and once, wherever in a cell it stands."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from helpers import EXERCISE, RIGHT, ROOT
from nbclient import NotebookClient

pytestmark = pytest.mark.slow

FORMS = {
    "last line": (f"check({EXERCISE})", 1),
    "followed by a semicolon": (f"check({EXERCISE});", 1),
    "two in a cell": (f"check({EXERCISE})\ncheck({EXERCISE})", 2),
    "in a loop": (f"for _ in range(3):\n    check({EXERCISE})", 3),
    "before a print": (f"check({EXERCISE})\nprint('done')", 1),
    "kept in a name": (f"kept = check({EXERCISE})", 1),
    "looked at again": ("kept", 1),
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    cells = [nbformat.v4.new_code_cell(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom grader import check")]
    cells += [nbformat.v4.new_code_cell(code) for code in (RIGHT, *(code for code, _ in FORMS.values()))]
    notebook = nbformat.v4.new_notebook(cells=cells)
    folder = tmp_path_factory.mktemp("kernel")
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    return dict(zip(FORMS, (cell.outputs for cell in notebook.cells[2:]), strict=True))


@pytest.mark.parametrize("form", FORMS)
def test_a_report_for_every_check(outputs: dict[str, list[Any]], form: str) -> None:
    shown = [output for output in outputs[form] if f"{EXERCISE}: 6/6" in output.get("data", {}).get("text/html", "")]
    assert len(shown) == FORMS[form][1]
