"""Which tests share a process when pytest is told to use several (``-n``): those of an exercise, else those of a file.

What the mistakes of an exercise would answer is then worked out once, and not again in every process.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from helpers import EXERCISES
from xdist.scheduler import LoadScopeScheduling

LONG = (
    "test_dropped_user",
    "test_other_systems",
    "test_readme",
    "test_nbgrader_attacks",
    "test_nbgrader",
    "test_attacks",
    "test_layers",
    "test_authoring_guide",
)
"""Begun before all others, or one process would still be busy with them when the others are done."""


def length(item: pytest.Item) -> int:
    """A key to sort by."""
    if item.path.stem in LONG:
        return LONG.index(item.path.stem)
    # An exercise's proof finds out what its mistakes answer; others then read it.
    return len(LONG) if item.path.parent.name == "proof" else len(LONG) + 1


class ByExercise(LoadScopeScheduling):
    """Hands out the tests of an exercise, or of a file, together, in the order in which they were collected."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        parameter = re.search(r"\[(\w+)", nodeid)
        return parameter[1] if parameter and parameter[1] in EXERCISES else nodeid.split("::")[0]
