"""The version of this package."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version


@cache
def own_version() -> str:
    """The version of the grader that is installed."""
    return version("attention-workshop")
