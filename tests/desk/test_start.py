"""A workspace holds every exercise in one language, and nothing ever writes over a learner's work."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.course.course import LocatedCourse
from grader.course.script import jupytext, read_script

jupytext()  # imports nbformat, too, without the slow part of it
from grader.desk import start  # noqa: E402
from grader.desk.desk import Desk  # noqa: E402
from grader.desk.start import fill, reset  # noqa: E402
from grader.desk.workspace import Workspace, find  # noqa: E402
from grader.submission.names import START_PAGE  # noqa: E402

CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(made, tmp_path / "workspace")
    found = find(tmp_path / "workspace")
    assert found is not None
    return found


def cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return found


def texts(path: Path, kind: str) -> list[str]:
    return ["".join(cell["source"]) for cell in cells(path) if cell["cell_type"] == kind]


def test_notebooks_lie_in_the_order_of_the_course(workspace: Workspace, course: LocatedCourse) -> None:
    files = sorted(path.relative_to(workspace.folder).as_posix() for path in workspace.folder.rglob("*.ipynb"))
    names = [re.sub(r"^.*/\d\d_|\.ipynb$", "", file) for file in files]
    assert names == [entry.id for _, entry in course.course.entries()]
    assert files[4] == "01-foundations/05_masked_softmax.ipynb"


def test_all_text_is_in_one_language(course: LocatedCourse, workspace: Workspace, tmp_path: Path) -> None:
    chinese = Workspace(tmp_path / "zh", "zh")
    fill(chinese, course)
    for _, entry in course.course.entries():
        in_english, in_chinese = (texts(of.file(entry.id), "markdown") for of in (workspace, chinese))  # type: ignore[arg-type]
        assert len(in_english) == len(in_chinese), entry.id
        assert not any(CHINESE.search(text) or "<details>" in text for text in in_english), entry.id
        assert all(CHINESE.search(text) for text in in_chinese), entry.id


def test_nothing_is_told_before_it_is_asked_for(course: LocatedCourse, workspace: Workspace) -> None:
    for _, entry in course.course.entries():
        path = workspace.file(entry.id)
        assert path is not None
        script = read_script(course.solution(entry.id) / "notebook.py")
        told = [*script.hints()["en"], script.discussion("en"), script.written_part("en").answer]
        told += [item.answer for item in script.follow_ups("en")]
        prose = " ".join("\n".join(texts(path, "markdown")).split())
        assert not any(" ".join(part.split()) in prose for part in told if part), entry.id
        questions_told = not script.has_a_bug  # else they would name the bug
        assert all((item.question in prose) == questions_told for item in script.follow_ups("en")), entry.id
        assert "\n\n".join(texts(path, "code")) == "\n\n".join(script.handed_out), entry.id


def test_scripts_are_for_an_editor(course: LocatedCourse, tmp_path: Path) -> None:
    made = Workspace(tmp_path, scripts=True)
    fill(made, course)
    path = made.file("masked_softmax")
    assert path == tmp_path / "01-foundations" / "05_masked_softmax.py"
    text = path.read_text(encoding="utf-8")
    compile(text, str(path), "exec")
    assert "# %%\ndef masked_softmax(scores, mask, dim=-1):" in text
    assert "# **What the interviewer asks next**" in text


def test_a_second_start_changes_no_work_and_adds_what_is_new(
    course: LocatedCourse, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked, gone = workspace.file("masked_softmax"), workspace.file("weighted_sum")
    assert worked is not None
    assert gone is not None
    gone.unlink()
    answer = worked.read_text(encoding="utf-8").replace("raise NotImplementedError()", "return mine")
    worked.write_text(answer, encoding="utf-8")
    untouched = {path: path.stat().st_mtime_ns for path in workspace.folder.rglob("*.ipynb")}
    filled = fill(workspace, course)
    assert (filled.added, filled.renewed, filled.left) == (["weighted_sum"], [], ["masked_softmax"])
    assert worked.read_text(encoding="utf-8") == answer
    assert all(path.stat().st_mtime_ns == then for path, then in untouched.items())

    # A newer version of the package, in which every text is another.
    title = start.learner_notebook
    monkeypatch.setattr(start, "learner_notebook", lambda *given: _changed(title(*given)))
    filled = fill(workspace, course)
    assert filled.left == ["masked_softmax"]
    assert len(filled.renewed) == 40
    assert worked.read_text(encoding="utf-8") == answer
    assert "Changed." in texts(gone, "markdown")[0]


def _changed(notebook: Any) -> Any:
    notebook.cells[0].source += "\n\nChanged."
    return notebook


@pytest.mark.parametrize("state", ["", "[]", '{"handed_out": {"weighted_sum": 1}}', None])
def test_whatever_happened_to_its_state_no_work_is_lost(
    course: LocatedCourse, workspace: Workspace, state: str | None
) -> None:
    path = workspace.file("masked_softmax")
    assert path is not None
    path.write_text("mine, and no notebook", encoding="utf-8")
    hidden = workspace.folder / ".attn" / "workspace.json"
    hidden.unlink() if state is None else hidden.write_text(state, encoding="utf-8")
    again = find(workspace.folder) or Workspace(workspace.folder)
    filled = fill(again, course)
    assert (filled.added, filled.left) == ([], ["masked_softmax"])
    assert path.read_text(encoding="utf-8") == "mine, and no notebook"
    assert again.file("weighted_sum") == workspace.file("weighted_sum")


def test_a_workspace_names_no_file_outside(workspace: Workspace) -> None:
    hidden = workspace.folder / ".attn" / "workspace.json"
    for outside in ("../outside.ipynb", str(workspace.folder.parent / "outside.ipynb")):
        state = json.loads(hidden.read_text(encoding="utf-8"))
        state["handed_out"]["weighted_sum"]["file"] = outside
        hidden.write_text(json.dumps(state), encoding="utf-8")
        found = find(workspace.folder)
        assert found is not None
        assert found.file("weighted_sum") is None


def test_a_reset_keeps_a_dated_copy(course: LocatedCourse, workspace: Workspace) -> None:
    path = workspace.file("weighted_sum")
    assert path is not None
    fresh = path.read_text(encoding="utf-8")
    for answer in ("first", "second"):
        path.write_text(answer, encoding="utf-8")
        assert reset(workspace, course, "weighted_sum")[0] == path
        assert path.read_text(encoding="utf-8") == fresh
    copies = sorted((workspace.folder / "kept").iterdir())
    assert sorted(copy.read_text(encoding="utf-8") for copy in copies) == ["first", "second"]
    assert all(re.match(r"06_weighted_sum_\d{4}-\d\d-\d\d_", copy.name) for copy in copies)


@pytest.fixture
def desk(course: LocatedCourse, workspace: Workspace, data: Path) -> Iterator[Desk]:
    return Desk(course, workspace.folder / "01-foundations")


def test_the_start_page_is_a_map_that_follows(desk: Desk, workspace: Workspace) -> None:
    page = workspace.folder / START_PAGE
    desk.keep_page()
    _, first = texts(page, "markdown")
    assert "**Continue: [Attention by hand](01-foundations/01_attention_by_hand.ipynb)** (20 min)" in first
    row = (
        "| ○ | [Attention masks](01-foundations/04_attention_masks.ipynb) | 20 | ●●○○○ | Scaled dot-product attention |"
    )
    assert row in first
    for name in ("attention_by_hand", "scaled_dot_product_attention"):
        desk.progress.add("check", name, score=6, max_score=6, mistakes=[])
    desk.keep_page()
    _, then = texts(page, "markdown")
    assert "| ✓ 6/6 | [Attention by hand]" in then
    assert row.replace("Scaled dot-product attention |", " |") in then
    for link in re.findall(r"\]\((.*?)\)", then):
        assert (workspace.folder / link).is_file()


def test_a_start_page_in_which_somebody_wrote_is_theirs(desk: Desk, workspace: Workspace) -> None:
    page = workspace.folder / START_PAGE
    desk.keep_page()
    mine = page.read_text(encoding="utf-8").replace("Run this cell", "My own notes")
    page.write_text(mine, encoding="utf-8")
    desk.progress.add("check", "attention_by_hand", score=6, max_score=6, mistakes=[])
    desk.keep_page()
    assert page.read_text(encoding="utf-8") == mine


def test_a_file_of_an_exercise_that_has_another_id_now_is_still_its_file(
    course: LocatedCourse, workspace: Workspace
) -> None:
    file, digest = workspace.handed_out.pop("debug_1")
    old = file.replace("debug_1", "debug_sigmoid")
    (workspace.folder / file).rename(workspace.folder / old)
    workspace.handed_out["debug_sigmoid"] = old, digest
    assert fill(workspace, course).added == []
    assert Desk(course, workspace.folder).file("debug_1") == workspace.folder / old
