"""What ``nbgrader autograde`` calls: grading through our runner instead of a kernel.

Of a submitted notebook, the text of its cells is used and nothing else. Which cell is which, what it is worth and
whether it is graded comes from the course's gradebook, so that metadata can claim nothing.
"""

from __future__ import annotations

import atexit
import html
from functools import lru_cache
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output
from nbgrader.api import Gradebook, SourceCell
from nbgrader.converters.base import NbGraderException
from nbgrader.preprocessors import ClearHiddenTests, NbGraderPreprocessor
from traitlets import Bool

from grader.course.course import find_course
from grader.handout.notebooks import KERNEL, LANGUAGE, graded_cell_id
from grader.hosting.harmless import harmless, harmless_images, literal
from grader.report.model import Report
from grader.report.render import as_html, as_text, plain
from grader.sandbox import why_not
from grader.session import Session
from grader.submission.contents import Cell, Contents, UnreadableError
from grader.submission.decoding import decode
from grader.submission.reader import submission_of


class ReadAsHandedIn(NotebookExporter):  # type: ignore[misc]
    """Reads submitted notebooks as `attn grade` does: with a byte order mark, or in UTF-16, nbconvert fails."""

    def from_file(self, file_stream: Any, resources: Any = None, **kw: Any) -> tuple[NotebookNode, Any]:
        """Read a notebook from an open file."""
        notebook = nbformat.reads(decode(file_stream.buffer.read()), as_version=4)
        return self.from_notebook_node(notebook, resources=resources, **kw)  # type: ignore[no-any-return]


class RestoreIdentity(NbGraderPreprocessor):  # type: ignore[misc]
    """Gives every cell the identity that the course gave it, and takes away what a submission claims.

    Copies of an id lose it, cells that were deleted come back as they were handed out, outputs and tags go.
    """

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Rebuild the notebook's metadata from the gradebook."""
        names = resources["nbgrader"]
        with Gradebook(names["db_url"]) as gradebook:
            source = gradebook.find_notebook(names["notebook"], names["assignment"])
            graded = {cell.name: cell for cell in source.grade_cells}
            solutions = {cell.name for cell in source.solution_cells}
            handed_out = list(source.source_cells)
            ours = {cell.name: _identity(cell, graded.get(cell.name), cell.name in solutions) for cell in handed_out}
            sources = {cell.name: cell.source for cell in handed_out}
        # A link may lead to anybody's notebook, the source with its solutions included: nothing of it is graded.
        where = Path(resources["metadata"]["path"]) / f"{names['notebook']}.ipynb"
        submitted = [] if where.is_symlink() else nb.cells
        cells = []
        for number, handed_in in enumerate(submitted, 1):
            claimed = _claimed_id(handed_in)
            cell = _without_claims(handed_in, f"cell-{number}")
            identity = ours.get(claimed or "")
            if identity and identity["solution"] and identity["cell_type"] == cell.cell_type:
                cell.metadata["nbgrader"] = NotebookNode(ours.pop(claimed))
            cells.append(cell)
        for name, identity in ours.items():
            if identity["cell_type"] != "code":
                cell = NotebookNode(cell_type=identity["cell_type"], source=sources[name], id=name[:60])
            elif identity["solution"]:  # the stub, put back, would undo an answer that stands in another cell
                cell = new_code_cell("# This cell was not in the submission.")
            else:
                cell = new_code_cell(sources[name])
            cell.metadata = NotebookNode(nbgrader=NotebookNode(identity))
            cells.append(cell)
        nb.cells, nb.nbformat_minor = cells, nbformat.v4.nbformat_minor
        nb.metadata = NotebookNode(kernelspec=KERNEL, language_info=LANGUAGE)
        return nb, resources


class ShowHarmless(NbGraderPreprocessor):  # type: ignore[misc]
    """Keeps what a learner wrote from running in the browser of whoever reads it.

    Cells that hold nothing of the kind keep their text, and with it the checksum by which nbgrader knows an answer that
    was never written.
    """

    def preprocess_cell(self, cell: NotebookNode, resources: Any, cell_index: int) -> tuple[NotebookNode, Any]:
        """Show Markdown that could do something, and raw cells, letter by letter."""
        if cell.cell_type == "raw":  # a page takes it in as it is
            cell.cell_type, cell.source = "markdown", literal(cell.source)
        elif cell.cell_type == "markdown":
            cell.source = harmless(cell.source)
            if "attachments" in cell:
                cell.attachments = NotebookNode(harmless_images(cell.attachments))
        return cell, resources


class HideTests(ClearHiddenTests):  # type: ignore[misc]
    """Takes the hidden tests out of the course's own cells. A learner's may hold nbgrader's marks."""

    def preprocess_cell(self, cell: NotebookNode, resources: Any, cell_index: int) -> tuple[NotebookNode, Any]:
        """Clear a cell that the course graded and locked."""
        identity = cell.metadata.get("nbgrader", {})
        if identity.get("grade") and identity.get("locked"):
            return super().preprocess_cell(cell, resources, cell_index)  # type: ignore[no-any-return]
        return cell, resources


class GradeWithoutKernel(NbGraderPreprocessor):  # type: ignore[misc]
    """Takes the place of nbgrader's ``Execute``: runs the submission in our runner, and writes what nbgrader reads."""

    require_sandbox = Bool(True, help="Refuse to run submissions where a required layer is missing.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Grade, and put score and report into the graded cell.

        Raises:
            NbGraderException: the sandbox is not what it must be; nothing was run.
        """
        exercise = resources["nbgrader"]["notebook"]
        graded = graded_cell_id(exercise)
        code = [cell for cell in nb.cells if cell.cell_type == "code"]
        answer = tuple(
            Cell(number, cell.cell_type, cell.source)
            for number, cell in enumerate(nb.cells, 1)
            if _claimed_id(cell) != graded
        )
        path = Path(resources["metadata"]["path"]) / f"{exercise}.ipynb"
        session = _session()
        lacking = why_not(session.runner.layers()) if self.require_sandbox else None
        if lacking:
            raise NbGraderException(f"{lacking} To do without: c.GradeWithoutKernel.require_sandbox = False")
        # It may have been released under an id that the exercise had once.
        grader = session.grader(session.located.course.named(exercise) or exercise)
        try:
            report = grader.grade_cells(session.with_modules(submission_of(path, Contents(answer)), grader))
        except UnreadableError as error:
            report = grader.refused("invalid", error.text)
        if report.score is None:
            raise NbGraderException(report.diagnosis[0].message.en)
        resources["attention_workshop"] = report
        for cell in code:
            if _claimed_id(cell) == graded:
                cell.outputs = _outputs(report, float(cell.metadata.nbgrader.points))
        return nb, resources


class ExplainGrade(NbGraderPreprocessor):  # type: ignore[misc]
    """Puts the root cause into the gradebook, as the comment on the solution cell."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Write the comment; nbgrader has saved the grade already."""
        report: Report = resources.pop("attention_workshop")
        names = resources["nbgrader"]
        with Gradebook(names["db_url"]) as gradebook:
            comment = gradebook.find_comment(
                f"{names['notebook']}-solution", names["notebook"], names["assignment"], names["student"]
            )
            comment.auto_comment = explanation(report)
            gradebook.db.commit()
        return nb, resources


def explanation(report: Report) -> str:
    """The diagnosis in a few sentences, as the gradebook keeps it. Feedback pages render it as Markdown."""
    if report.passed:
        return "All checks passed."
    return html.escape(plain(" ".join(diagnosis.message.en for diagnosis in report.diagnosis)), quote=False)


def _outputs(report: Report, points: float) -> list[NotebookNode]:
    # nbgrader takes the first execute_result as the score. A number that it cannot use is full marks to it, so what
    # is written here is always finite and between 0 and the cell's points.
    share = (report.score or 0.0) / report.max_score if report.max_score else 0.0
    score = f"{min(max(share, 0.0), 1.0) * points:.6g}"
    return [
        new_output("stream", name="stdout", text=as_text(report) + "\n"),
        new_output("display_data", data={"text/html": as_html(report), "text/plain": ""}),
        new_output("execute_result", data={"text/plain": score}, execution_count=1),
    ]


def _without_claims(cell: NotebookNode, name: str) -> NotebookNode:
    """The cell as the format that is known here has it, by a name of ours."""
    plain = NotebookNode(cell_type=cell.cell_type, source=cell.source, id=name, metadata=NotebookNode())
    if cell.cell_type == "code":
        plain |= {"outputs": [], "execution_count": None}
    elif "attachments" in cell:
        plain["attachments"] = cell.attachments
    return plain


def _identity(cell: SourceCell, graded: Any, solution: bool) -> dict[str, Any]:
    identity = {
        "schema_version": 3,
        "grade_id": cell.name,
        "grade": graded is not None,
        "solution": solution,
        "locked": graded is not None and not solution,
        "task": False,
        "cell_type": cell.cell_type,
        "checksum": cell.checksum,
    }
    if graded is not None:
        identity["points"] = graded.max_score
    return identity


def _claimed_id(cell: NotebookNode) -> str | None:
    found = cell.metadata.get("nbgrader")
    name = found.get("grade_id") if isinstance(found, dict) else None
    return name if isinstance(name, str) else None


@lru_cache(maxsize=1)
def _session() -> Session:
    session = Session(find_course())
    atexit.register(session.runner.close)
    return session
