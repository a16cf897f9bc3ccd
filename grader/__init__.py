"""Attention Workshop's autograder: ``from grader import check, hint, discuss, solution, progress``.

What `__all__` names here, for notebooks, and in `grader.authoring`, for a course's own files, stays where it is.
Everything else in this package may move from one version to the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = [
    "check",
    "discuss",
    "hand_in",
    "heatmap",
    "hint",
    "inputs",
    "interview",
    "progress",
    "self_review",
    "solution",
]

if TYPE_CHECKING:
    from grader.kernel import check, discuss, hand_in, hint, inputs, interview, progress, self_review, solution
    from grader.report.picture import heatmap


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext grader``: gives ``%%check EXERCISE``, which runs a cell and checks it."""
    from grader import kernel

    kernel.load(shell)


def __getattr__(name: str) -> Any:
    # Loaded when first used: importing the package costs nothing, and the sandboxed child never needs them.
    if name == "heatmap":
        from grader.report.picture import heatmap

        return heatmap
    if name in __all__:
        from grader import kernel

        return getattr(kernel, name)
    raise AttributeError(f"module 'grader' has no attribute {name!r}")
