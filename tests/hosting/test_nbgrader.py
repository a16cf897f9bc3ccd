"""The course in nbgrader, with this repository's nbgrader_config.py: hand out, grade, give feedback, export."""

from __future__ import annotations

import copy
import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from helpers import EXERCISE, RIGHT, ROOT, WRONG
from nbgrader.api import Gradebook
from nbgrader.converters.base import NbGraderException

from grader import nbgrader_plugin
from grader.course.course import find_course
from grader.handout.build import write_sources
from grader.session import Session
from grader.submission.find import find

pytestmark = pytest.mark.slow

CONCEPT = "what_is_attention"


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def notebook(course: Path, exercise: str = EXERCISE) -> Any:
    return json.loads((course / "release" / "01-foundations" / f"{exercise}.ipynb").read_text(encoding="utf-8"))


def solved(handed_out: Any, code: str) -> Any:
    answer = copy.deepcopy(handed_out)
    for cell in answer["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == f"{EXERCISE}-solution":
            cell["source"] = code
    return answer


def hand_in(course: Path, student: str, answer: Any, encoding: str = "utf-8") -> None:
    folder = course / "submitted" / student / "01-foundations"
    folder.mkdir(parents=True, exist_ok=True)
    text = answer if isinstance(answer, str) else json.dumps(answer)
    (folder / f"{EXERCISE}.ipynb").write_text(text, encoding=encoding)


def v3_of(code: str) -> Any:
    cells = [nbformat.v3.new_code_cell(input=code)]
    return nbformat.v3.new_notebook(worksheets=[nbformat.v3.new_worksheet(cells=cells)])


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graded course of two exercises and a class of students."""
    root = tmp_path_factory.mktemp("nbgrader")
    shutil.copytree(ROOT / "solutions", root / "solutions", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "nbgrader_config.py", root)
    whole = yaml.safe_load((ROOT / "course.yml").read_text(encoding="utf-8"))
    first = whole["assignments"][0]
    first["exercises"] = [{**entry, "needs": []} for entry in first["exercises"] if entry["id"] in (EXERCISE, CONCEPT)]
    whole["assignments"] = [first]
    (root / "course.yml").write_text(yaml.safe_dump(whole, allow_unicode=True), encoding="utf-8")
    write_sources(find_course(root), root / "source")
    made = run(root, "nbgrader", "generate_assignment", "01-foundations", "--force")
    assert made.returncode == 0, made.stderr

    handed_out = notebook(root)
    hand_in(root, "right", solved(handed_out, RIGHT))
    hand_in(root, "noscale", solved(handed_out, WRONG))
    hand_in(root, "stub", handed_out)
    hand_in(root, "exits", solved(handed_out, "import os\nos._exit(0)"))
    hand_in(root, "prints", solved(handed_out, "import sys\nprint('6', file=sys.stderr)\n" + RIGHT))
    deleted = solved(handed_out, RIGHT)
    deleted["cells"] = deleted["cells"][:-1]
    hand_in(root, "deleted", deleted)
    hand_in(root, "broken", '{"cells": [')
    hand_in(root, "marked", solved(handed_out, RIGHT), encoding="utf-8-sig")
    hand_in(root, "wide", solved(handed_out, RIGHT), encoding="utf-16")
    hand_in(root, "old", nbformat.v3.writes_json(v3_of(RIGHT)))
    prose = solved(handed_out, RIGHT)
    for cell in prose["cells"]:
        if cell["source"] == RIGHT:
            cell["cell_type"] = "markdown"
    hand_in(root, "prose", prose)
    run(root, "nbgrader", "autograde", "01-foundations")
    feedback = run(root, "nbgrader", "generate_feedback", "01-foundations")
    assert feedback.returncode == 0, feedback.stderr
    assert run(root, "nbgrader", "export").returncode == 0
    return root


def scores(course: Path) -> dict[str, float]:
    with (course / "grades.csv").open(encoding="utf-8") as file:
        return {row["student_id"]: float(row["raw_score"]) for row in csv.DictReader(file)}


def test_the_release_is_what_is_committed(course: Path) -> None:
    mine = [cell["source"] for cell in notebook(course)["cells"][1:]]
    committed = json.loads((ROOT / f"exercises/01-foundations/{EXERCISE}.ipynb").read_text(encoding="utf-8"))
    assert mine == [cell["source"] for cell in committed["cells"][1:]]
    assert (course / "release" / "01-foundations" / ".public" / f"{EXERCISE}.safetensors").is_file()


def test_scores_equal_those_of_attn_grade(course: Path) -> None:
    with Session(find_course(course)) as session:
        reports = session.grade_all(find([course / "submitted"]).work)
    mine = {Path(report.submission).parts[-3]: report.score for report in reports}
    theirs = scores(course)
    assert set(mine) == set(theirs)
    for student, score in mine.items():
        assert theirs[student] == pytest.approx(score, abs=1e-3), student
    for student in ("right", "deleted", "prints", "marked", "wide", "old"):
        assert theirs[student] == 6, student
    assert 0 < theirs["noscale"] < 6
    assert theirs["stub"] == theirs["exits"] == theirs["broken"] == theirs["prose"] == 0


def test_the_explanation_is_in_the_gradebook(course: Path) -> None:
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        found = gradebook.find_submission_notebook(EXERCISE, "01-foundations", "noscale")
        comments = [comment.auto_comment for comment in found.comments]
    assert any(comment and "1/√d" in comment for comment in comments)


def test_an_answer_in_a_markdown_cell_is_said_to_be_there(course: Path) -> None:
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        found = gradebook.find_submission_notebook(EXERCISE, "01-foundations", "prose")
        comments = [comment.auto_comment for comment in found.comments]
    assert any(comment and "which is a Markdown cell" in comment for comment in comments)


def test_feedback_explains_and_shows_no_hidden_test(course: Path) -> None:
    page = (course / "feedback" / "noscale" / "01-foundations" / f"{EXERCISE}.html").read_text(encoding="utf-8")
    assert "1/√d scale" in page
    for hidden in ("HIDDEN TESTS", "strict=True"):
        assert hidden not in page
        assert hidden not in (course / "release" / "01-foundations" / f"{EXERCISE}.ipynb").read_text(encoding="utf-8")


def test_nothing_is_run_where_a_layer_is_missing(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(find_course(course))
    monkeypatch.setattr(nbgrader_plugin, "_session", lambda: session)
    monkeypatch.setattr(session.runner, "layers", lambda: ("no_new_privs", "rlimits", "landlock"))
    handed_in = nbformat.reads(json.dumps(solved(notebook(course), RIGHT)), as_version=4)
    resources: dict[str, Any] = {"nbgrader": {"notebook": EXERCISE}, "metadata": {"path": str(course)}}
    with pytest.raises(NbGraderException, match="lacks seccomp"):
        nbgrader_plugin.GradeWithoutKernel().preprocess(handed_in, resources)
    assert "attention_workshop" not in resources
    nbgrader_plugin.GradeWithoutKernel(require_sandbox=False).preprocess(handed_in, resources)
    assert resources["attention_workshop"].passed
    session.runner.close()


def test_written_answers_are_left_to_a_person(course: Path) -> None:
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        cells = gradebook.find_notebook(CONCEPT, "01-foundations").grade_cells
        graded = {cell.name: (cell.cell_type, cell.max_score) for cell in cells}
    assert graded == {f"{CONCEPT}-answer": ("markdown", 5), f"{CONCEPT}-graded": ("code", 4)}
