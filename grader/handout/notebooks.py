"""Makes nbgrader's source notebook of an exercise: the cells of its script, a title, and the graded cell."""

from __future__ import annotations

import hashlib
from typing import Any

import nbformat
from nbformat import NotebookNode

from grader.course.course import Course, ExerciseEntry
from grader.course.script import Script
from grader.submission.notebook import METADATA_KEY

NOT_HANDED_OUT = frozenset({"hint", "discussion", "rubric"})
"""Tags of cells that stay in ``notebook.py``: hints and rubrics reach the learner through `grader`, when asked for."""

SHOWN_IN_GRADED_CELL = (
    "# Your points come from here. `attn grade` and nbgrader run hidden checks on what you defined above."
)
"""What a learner sees of the graded cell: its hidden tests are taken out."""

GRADED_WITH = ("PyTorch", "NumPy", "einops")
"""Libraries that are there wherever a submission is graded, since the package asks for them."""

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python", "nbconvert_exporter": "python"}
"""Without them, ``nbconvert --to script`` takes the code for plain text until a kernel has opened the notebook."""

_NEW_CELL = {
    "code": nbformat.v4.new_code_cell,
    "markdown": nbformat.v4.new_markdown_cell,
    "raw": nbformat.v4.new_raw_cell,
}


def source_notebook(course: Course, entry: ExerciseEntry, script: Script) -> NotebookNode:
    """One source notebook: the script's cells with nbgrader's metadata, a title, and the graded cell."""
    cells = [_title_cell(course, entry)]
    count, broken = 0, None
    for part in script.cells:
        if part.tags & NOT_HANDED_OUT or ("answer" in part.tags and part.language == "zh"):
            continue  # there is one answer to write, in whichever language
        if not (prose := script.prose(part)):
            continue
        if "broken" in part.tags:
            broken = part.source
            continue
        cell = _NEW_CELL[part.kind](prose)
        if part.kind == "markdown" and part.language == "zh":
            cell.source = _folded(prose)
        if "solution" in part.tags:
            count += 1
            name = f"{entry.id}-solution" if count == 1 else f"{entry.id}-solution-{count}"
            cell.metadata = NotebookNode(nbgrader=_nbgrader(name, solution=True))
            if broken is not None:
                cell.metadata[METADATA_KEY] = {"handed_out": broken}
                broken = None
        elif "answer" in part.tags:
            cell.metadata = NotebookNode(
                nbgrader=_nbgrader(f"{entry.id}-answer", solution=True, grade=True, points=entry.written)
            )
        cells.append(cell)
    cells.append(_graded_cell(entry))
    for number, cell in enumerate(cells):
        cell.id = hashlib.sha256(f"{entry.id} {number}".encode()).hexdigest()[:8]
    metadata = {"kernelspec": KERNEL, "language_info": LANGUAGE, METADATA_KEY: {"exercise": entry.id}}
    return NotebookNode(cells=cells, metadata=NotebookNode(metadata), nbformat=4, nbformat_minor=5)


def graded_cell_id(exercise: str) -> str:
    """nbgrader's id of the cell that carries an exercise's automatic points."""
    return f"{exercise}-graded"


def _title_cell(course: Course, entry: ExerciseEntry) -> NotebookNode:
    points = f"{entry.points:g} points" + (f" + {entry.written:g} for the written answer" if entry.written else "")
    lines = [f"# {entry.title.en} · {entry.title.zh}", "", f"{entry.stars} · about {entry.minutes} minutes · {points}"]
    if entry.answers:
        lines += ["", f"Interview questions this answers: {'; '.join(course.asked(entry, 'en'))}."]
        lines += ["", f"对应的面试题：{'；'.join(course.asked(entry, 'zh'))}。"]
    if entry.needs:
        needed = [course.find(need) for need in entry.needs]
        lines += ["", "Do first: " + ", ".join(found[1].title.en for found in needed if found) + "."]
    libraries = ", ".join(GRADED_WITH)
    lines += ["", f"Graded with Python's own library and {libraries}; what else you import is not needed to answer."]
    lines += ["", f"评分环境：Python 标准库与 {libraries}；作答不需要其他库。"]
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


def digest_of(notebook: NotebookNode) -> str:
    """SHA-256 of the texts of a notebook's cells, by which work in a handed-out notebook is noticed."""
    texts = "\0".join(f"{cell.cell_type}\0{cell.source}" for cell in notebook.cells)
    return hashlib.sha256(texts.encode("utf-8", "replace")).hexdigest()
