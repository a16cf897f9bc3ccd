"""Which modules are Python's own or an installed library's."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.machinery import PathFinder

from grader.libraries import library_folders


@lru_cache(maxsize=1024)
def is_installed(module: str) -> bool:
    """True for a module of Python's own or of an installed library, which no file beside a submission replaces."""
    return module in sys.stdlib_module_names or PathFinder.find_spec(module, library_folders()) is not None
