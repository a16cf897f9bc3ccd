"""``%load_ext grader``: the magic ``%%check EXERCISE``, which runs a cell and then checks what it defines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def register(shell: Any, check: Callable[[str], Any]) -> None:
    """Give a shell the magic.

    Args:
        shell: IPython's.
        check: checks what the notebook has defined for the exercise of this id.
    """

    def checked(line: str, cell: str) -> None:
        """Run the cell as if the first line were not there, then check it."""
        exercise = line.strip()
        if not exercise:
            print("%%check EXERCISE: the exercise's id is missing, as in %%check masked_softmax")
            return
        # An exception in the cell is shown by IPython itself; what is defined then is not what the cell says.
        if shell.run_cell(cell, store_history=False).success:
            check(exercise)

    shell.register_magic_function(checked, magic_kind="cell", magic_name="check")
