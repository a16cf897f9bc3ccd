"""Our steps of ``nbgrader generate_assignment``."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    IncludeHeaderFooter,
    LockCells,
    NbGraderPreprocessor,
    SaveCells,
)

from grader.handout.notebooks import digest_of
from grader.submission.notebook import METADATA_KEY


class HandOut(ClearSolutions):  # type: ignore[misc]
    """``ClearSolutions``, except that a debugging exercise's cell is handed out with its broken code."""

    def preprocess_cell(self, cell: NotebookNode, resources: Any, cell_index: int) -> tuple[NotebookNode, Any]:
        """Replace a solution by the stub that the author wrote for it, or else by nbgrader's."""
        ours = cell.metadata.pop(METADATA_KEY, None)
        if ours is not None:
            cell.source = ours["handed_out"]
            return cell, resources
        cleared, resources = super().preprocess_cell(cell, resources, cell_index)
        return cleared, resources


class RecordHandOut(NbGraderPreprocessor):  # type: ignore[misc]
    """Records in the notebook what is handed out, so that work in it is noticed, and never written over."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Add the digest to the metadata."""
        nb.metadata.setdefault(METADATA_KEY, NotebookNode())["handed_out"] = digest_of(nb)
        return nb, resources


GENERATE_PREPROCESSORS = [
    IncludeHeaderFooter,
    LockCells,
    HandOut,
    ClearOutput,
    CheckCellMetadata,
    ComputeChecksums,
    SaveCells,
    ClearHiddenTests,
    ComputeChecksums,
    CheckCellMetadata,
    RecordHandOut,
]
"""nbgrader's own steps, with `HandOut` in place of ``ClearSolutions``, and `RecordHandOut` at the end."""
