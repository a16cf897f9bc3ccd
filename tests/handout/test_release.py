"""What is handed out: up to date, without solutions, and running from top to bottom in a real kernel."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from helpers import EXERCISES
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from safetensors.torch import save_file

from grader.course.course import LocatedCourse
from grader.course.errors import NewerFormatError
from grader.course.formats import KEY_FORMAT
from grader.course.keyfile import DamagedKeyError, read_header, read_key
from grader.course.script import read_script
from grader.handout.build import build, write_sources
from grader.handout.notebooks import source_notebook
from grader.values.compare import worst
from grader.version import own_version

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("exercise", EXERCISES)
def test_what_is_committed_is_up_to_date(course: LocatedCourse, tmp_path: Path, exercise: str) -> None:
    build(course, tmp_path, [exercise])
    assignment = course.release(exercise).parent.name
    notebook = tmp_path / assignment / f"{exercise}.ipynb"
    assert course.release(exercise).read_text("utf-8") == notebook.read_text("utf-8"), f"run `attn build {exercise}`"
    new, old = tmp_path / assignment / ".public" / f"{exercise}.safetensors", course.public(exercise)
    assert read_header(old).keys() == read_header(new).keys()
    assert read_header(old)["format"] == KEY_FORMAT
    fresh, committed = read_key(new), read_key(old)
    assert read_header(old)["hints"] == read_header(new)["hints"]
    assert [(known.slug, known.text) for known in committed.mistakes] == [
        (known.slug, known.text) for known in fresh.mistakes
    ]
    for mine, theirs in zip(committed.questions, fresh.questions, strict=True):
        assert mine.reason == theirs.reason
        assert worst(mine.right.value, theirs.right.value) < 1e-6


def test_a_public_file_of_a_newer_format_is_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "first.safetensors"
    save_file({}, path, metadata={"header": json.dumps({"format": KEY_FORMAT + 1})})
    with pytest.raises(NewerFormatError) as raised:
        read_key(path)
    said = f"is of format {KEY_FORMAT + 1}, which this version ({own_version()}) does not read; update the package"
    assert str(raised.value) == f"{path} {said}"


def test_a_public_file_of_an_older_format_is_to_be_built_again(tmp_path: Path) -> None:
    path = tmp_path / "first.safetensors"
    save_file({}, path, metadata={"header": '{"format": 1}'})
    with pytest.raises(DamagedKeyError, match="an older version of this package wrote it; build it again"):
        read_key(path)


def test_nothing_leaves_no_old_notebook_behind(course: LocatedCourse) -> None:
    released = {path.stem for path in (course.root / "exercises").rglob("*.ipynb")}
    assert released == set(EXERCISES)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_no_solution_is_handed_out(course: LocatedCourse, exercise: str) -> None:
    text = course.release(exercise).read_text(encoding="utf-8")
    for marker in ("BEGIN SOLUTION", "END SOLUTION", "HIDDEN TESTS", "strict=True"):
        assert marker not in text
    assert not re.search(r"\b00[0-4]-[A-Z0-9]", text), "questions are told in words, not by a code"
    notebook = json.loads(text)
    tags = [cell["metadata"].get("tags") for cell in notebook["cells"]]
    assert not any(tags)
    assert any("<details><summary>中文" in "".join(cell["source"]) for cell in notebook["cells"])


class Kernel:
    """One kernel for many notebooks, emptied between them: importing torch once is enough."""

    def __init__(self, folder: Path) -> None:
        self.manager, self.client = start_new_kernel(kernel_name="python3", cwd=str(folder))
        self.folder = folder

    def run(self, notebook: Any) -> None:
        notebook.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))
        runner = NotebookClient(notebook, km=self.manager, timeout=600, kernel_name="python3")
        runner.kc = self.client
        runner.execute(reset_kc=False, cleanup_kc=False)


@pytest.fixture(scope="session")
def kernel(course: LocatedCourse) -> Iterator[Kernel]:
    started = Kernel(course.root / "exercises")
    yield started
    started.client.stop_channels()
    started.manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_stub_runs_in_a_real_kernel(kernel: Kernel, course: LocatedCourse, exercise: str) -> None:
    notebook = nbformat.read(course.release(exercise), as_version=4)
    kernel.run(notebook)
    shown = json.dumps([cell.get("outputs", []) for cell in notebook.cells], ensure_ascii=False)
    assert "not written yet" in shown or exercise.startswith("debug_"), "the check cell says kindly what is missing"


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_solution_runs_in_a_real_kernel_and_passes(kernel: Kernel, course: LocatedCourse, exercise: str) -> None:
    found = course.course.find(exercise)
    assert found is not None
    notebook = source_notebook(course.course, found[1], read_script(course.solution(exercise) / "notebook.py"))
    kernel.run(notebook)  # the hidden test at its end raises below full marks


def test_sources_hold_the_hidden_test(course: LocatedCourse, tmp_path: Path) -> None:
    write_sources(course, tmp_path, ["dot_product_attention"])
    text = (tmp_path / "01-foundations" / "dot_product_attention.ipynb").read_text(encoding="utf-8")
    assert "BEGIN HIDDEN TESTS" in text
