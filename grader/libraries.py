"""Where the libraries lie that submissions are graded with, however they were installed.

Most lie where this interpreter looks for them by itself. With ``pip install --user``, or ``--target`` and PYTHONPATH,
they do not: an interpreter that is started without the user's own settings has to be told of them.
"""

from __future__ import annotations

import glob
import os
import re
import site
import sys
from collections.abc import Iterable
from functools import cache

INSTALLED_COURSE = "_course"
"""Folder of this package in which an installed workshop has the course."""
_PACKAGE = __name__.partition(".")[0]
NEEDED = ("torch", "numpy", "einops", "safetensors", "psutil", "ipython")
"""By the processes that run or read submissions; with what these need in their turn."""


def library_folders() -> list[str]:
    """Folders of installed libraries, as this process finds them."""
    usual = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    return list(dict.fromkeys([*usual, *folders_to_name()]))


@cache
def folders_to_name() -> tuple[str, ...]:
    """Folders with something `NEEDED` in which another interpreter would not look by itself.

    Never the working folder, or one with a course in it: what lies there is nobody's to read.
    """
    own = {os.path.realpath(path) for path in site.getsitepackages()}
    others = [path for path in sys.path if os.path.realpath(path) not in own and not _is_private(path)]
    installed = {path: names for path in others if (names := _installed_in(path))}
    if not installed:
        return ()
    needed = _with_requirements(NEEDED)
    return tuple(path for path, names in installed.items() if names & needed)


def own_folders(among: Iterable[str]) -> set[str]:
    """Where copies of this package lie in folders of libraries, or of Pythons that have some.

    An installed workshop has the course inside it, solutions included: no child may read that.
    """
    inside = ("", "/*-packages", "/python3*/*-packages")
    places = [f"{glob.escape(path)}{below}/{_PACKAGE}" for path in among for below in inside]
    found = {os.path.realpath(path) for place in places for path in glob.glob(place)}
    return {os.path.dirname(os.path.realpath(__file__)), *found}


def _is_private(path: str) -> bool:
    here = os.path.abspath(path or ".")
    return os.path.isfile(os.path.join(here, "course.yml")) or here == os.getcwd()


def _installed_in(folder: str) -> set[str]:
    """Names of what an installer put into a folder."""
    if not os.path.isdir(folder):
        return set()
    suffix = ".dist-info"
    return {_normal(name.split("-")[0]) for name in os.listdir(folder) if name.endswith(suffix)}


def _with_requirements(names: tuple[str, ...]) -> set[str]:
    from importlib import metadata  # takes longer than all else here, and is hardly ever needed

    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = _normal(waiting.pop())
        if name in found:
            continue
        found.add(name)
        try:
            lines = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        waiting += [re.split(r"[^\w.-]", line)[0] for line in lines if "extra ==" not in line]
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
