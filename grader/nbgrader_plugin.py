"""What nbgrader calls: handing out stubs, and grading through our runner instead of a kernel."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions

from grader.submission import METADATA_KEY


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
