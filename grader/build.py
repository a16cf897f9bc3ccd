"""Builds the notebooks that are handed out: notebook.py → nbgrader source notebook → ``generate_assignment``."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode

from grader.course import Assignment, Course, ExerciseEntry, LocatedCourse
from grader.exercise import load_exercise
from grader.public import FOLDER, write_public
from grader.submission import METADATA_KEY
from grader.written import hints_of

NOT_HANDED_OUT = frozenset({"hint", "discussion", "rubric"})
"""Tags of cells that stay in ``notebook.py``: hints and rubrics reach the learner through `grader`, when asked for."""

GENERATE_PREPROCESSORS = [
    *("nbgrader.preprocessors.IncludeHeaderFooter", "nbgrader.preprocessors.LockCells"),
    *("grader.nbgrader_plugin.HandOut", "nbgrader.preprocessors.ClearOutput"),
    *("nbgrader.preprocessors.CheckCellMetadata", "nbgrader.preprocessors.ComputeChecksums"),
    *("nbgrader.preprocessors.SaveCells", "nbgrader.preprocessors.ClearHiddenTests"),
    *("nbgrader.preprocessors.ComputeChecksums", "nbgrader.preprocessors.CheckCellMetadata"),
    "grader.nbgrader_plugin.RecordHandOut",
]
"""nbgrader's own steps, with `HandOut` in place of ``ClearSolutions``, and `RecordHandOut` at the end."""

SHOWN_IN_GRADED_CELL = (
    "# Your points come from here. `attn grade` and nbgrader run hidden checks on what you defined above."
)
"""What a learner sees of the graded cell: its hidden tests are taken out."""

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


class BuildError(Exception):
    """A notebook cannot be built; the message says which and why."""


def build(
    located: LocatedCourse,
    target: Path,
    only: Sequence[str] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Build the notebooks of the course, or ``only`` some, into ``target/<assignment>/<exercise>.ipynb``.

    Returns what was written. A notebook in which somebody has worked since it was built is never written over.

    Raises:
        BuildError: a ``notebook.py`` is missing, nbgrader refuses what was made of one, or somebody has worked in a
            notebook that is in the way; all others are written nevertheless.
    """
    written, answered = list[Path](), list[Path]()
    with tempfile.TemporaryDirectory(prefix="attn-build-") as folder:
        work = Path(folder)
        write_sources(located, work / "source", only, progress)
        for assignment in sorted(path.name for path in (work / "source").iterdir()):
            progress(assignment)
            _generate(work, assignment)
            (target / assignment).mkdir(parents=True, exist_ok=True)
            for notebook in sorted((work / "release" / assignment).glob("*.ipynb")):
                place = target / assignment / notebook.name
                if has_work_in_it(place, notebook):
                    answered.append(place)
                else:
                    shutil.copyfile(notebook, place)
                    written.append(place)
            shutil.copytree(work / "source" / assignment / FOLDER, target / assignment / FOLDER, dirs_exist_ok=True)
    if answered:
        listed = "\n".join(f"  {path}" for path in answered)
        raise BuildError(
            f"Somebody has worked in these notebooks, so they are left as they are:\n{listed}\n"
            "Move them elsewhere, or delete them, and build again."
        )
    return written


def has_work_in_it(path: Path, fresh: Path) -> bool:
    """True where a notebook was changed since it was built, and is not what is about to be written in its place."""
    if not path.is_file():
        return False
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception:  # half an answer may be in it, whatever it is
        return True
    recorded = notebook.metadata.get(METADATA_KEY, {}).get("handed_out")
    mine = digest_of(notebook)
    return mine != recorded and mine != digest_of(nbformat.read(fresh, as_version=4))


def digest_of(notebook: NotebookNode) -> str:
    """SHA-256 of the texts of a notebook's cells, by which work in a handed-out notebook is noticed."""
    texts = "\0".join(f"{cell.cell_type}\0{cell.source}" for cell in notebook.cells)
    return hashlib.sha256(texts.encode("utf-8", "replace")).hexdigest()


def write_sources(
    located: LocatedCourse,
    source: Path,
    only: Sequence[str] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Write nbgrader's source notebooks, ``source/<assignment>/<exercise>.ipynb``, solutions included.

    Beside them lie the public files, which nbgrader hands out along with the notebooks. Returns what was written.
    """
    written = []
    for assignment, entry in located.course.entries():
        if only and entry.id not in only:
            continue
        progress(entry.id)
        notebook = source_notebook(located.course, assignment, entry, located.solution(entry.id) / "notebook.py")
        path = source / assignment.id / f"{entry.id}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
        hints = hints_of(located.solution(entry.id) / "notebook.py")
        public = path.parent / FOLDER / f"{entry.id}.safetensors"
        write_public(load_exercise(located.solution(entry.id)), entry.points, hints, public)
        written.append(path)
    return written


def source_notebook(course: Course, assignment: Assignment, entry: ExerciseEntry, script: Path) -> NotebookNode:
    """One source notebook: the script's cells with nbgrader's metadata, a title, and the graded cell."""
    try:
        notebook = jupytext.read(script, fmt="py:percent")
    except OSError as error:
        raise BuildError(f"{script}: {error.strerror}") from None
    cells = [_title_cell(course, entry)]
    count, broken = 0, None
    for cell in notebook.cells:
        tags = set(cell.metadata.get("tags", []))
        chinese = cell.metadata.get("lang") == "zh"
        if tags & NOT_HANDED_OUT or ("answer" in tags and chinese):  # there is one answer, in whichever language
            continue
        if "broken" in tags:
            broken = cell.source
            continue
        if cell.cell_type == "markdown":
            if chinese:
                cell.source = _folded(cell.source)
            cell.metadata = NotebookNode()
        if "solution" in tags:
            count += 1
            name = f"{entry.id}-solution" if count == 1 else f"{entry.id}-solution-{count}"
            cell.metadata = NotebookNode(nbgrader=_nbgrader(name, solution=True))
            if broken is not None:
                cell.metadata[METADATA_KEY] = {"handed_out": broken}
                broken = None
        elif "answer" in tags:
            cell.metadata = NotebookNode(
                nbgrader=_nbgrader(f"{entry.id}-answer", solution=True, grade=True, points=entry.written)
            )
        elif cell.cell_type == "code":
            cell.metadata = NotebookNode()
        cells.append(cell)
    cells.append(_graded_cell(entry))
    for number, cell in enumerate(cells):
        cell.id = hashlib.sha256(f"{entry.id} {number}".encode()).hexdigest()[:8]
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}, METADATA_KEY: {"exercise": entry.id}}
    return NotebookNode(cells=cells, metadata=NotebookNode(metadata), nbformat=4, nbformat_minor=5)


def graded_cell_id(exercise: str) -> str:
    """nbgrader's id of the cell that carries an exercise's automatic points."""
    return f"{exercise}-graded"


def _title_cell(course: Course, entry: ExerciseEntry) -> NotebookNode:
    stars = "●" * entry.difficulty + "○" * (5 - entry.difficulty)
    points = f"{entry.points:g} points" + (f" + {entry.written:g} for the written answer" if entry.written else "")
    lines = [f"# {entry.title.en} · {entry.title.zh}", "", f"{stars} · about {entry.minutes} minutes · {points}"]
    if entry.answers:
        asked = [f"{code} ({course.questions[code]})" if code in course.questions else code for code in entry.answers]
        lines += ["", "Interview questions this answers: " + "; ".join(asked) + "."]
    if entry.needs:
        needed = [course.find(need) for need in entry.needs]
        lines += ["", "Do first: " + ", ".join(found[1].title.en for found in needed if found) + "."]
    return nbformat.v4.new_markdown_cell("\n".join(lines))


def _graded_cell(entry: ExerciseEntry) -> NotebookNode:
    source = (
        f"{SHOWN_IN_GRADED_CELL}\n"
        "### BEGIN HIDDEN TESTS\n"
        "from grader import check\n"
        f'check(globals(), exercise="{entry.id}", strict=True)\n'
        "### END HIDDEN TESTS"
    )
    metadata = _nbgrader(graded_cell_id(entry.id), grade=True, locked=True, points=entry.points)
    return nbformat.v4.new_code_cell(source, metadata={"nbgrader": metadata})


def _nbgrader(grade_id: str, points: float | None = None, **flags: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "grade": False,
        "grade_id": grade_id,
        "locked": False,
        "schema_version": 3,
        "solution": False,
        "task": False,
    }
    found.update(flags)
    if points is not None:
        found["points"] = points
    return found


def _folded(text: str) -> str:
    return f"<details><summary>中文</summary>\n\n{text}\n\n</details>"


def _generate(work: Path, assignment: str) -> None:
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    config = Config()
    config.CourseDirectory.root = str(work)
    # Handing out needs no gradebook; an instructor's own `nbgrader generate_assignment` is what fills theirs.
    config.GenerateAssignment.no_database = True
    config.SaveCells.enabled = False
    config.GenerateAssignment.preprocessors = GENERATE_PREPROCESSORS
    config.Application.log_level = "ERROR"
    result = NbGraderAPI(config=config).generate_assignment(assignment, force=True, create=True)
    if not result["success"]:
        shown = re.sub(r"\x1b\[[0-9;]*m", "", result.get("error") or result.get("log") or "")
        raise BuildError(f"nbgrader cannot make {assignment}:\n{shown}")
