"""Which files there are to grade."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = (".ipynb", ".py")


@dataclass(frozen=True)
class Work:
    """One file to grade, shown to people as they gave it."""

    path: Path
    shown_as: str


def find_work(paths: Sequence[Path]) -> list[Work]:
    """Files as given, and every notebook and Python file in the folders given; symbolic links are not followed.

    A folder that cannot be opened is work, too: it will be reported as what could not be graded.

    Raises:
        FileNotFoundError: a path is not there.
    """
    work = []
    for path in paths:
        if path.is_dir():
            work += [Work(found, str(found)) for found in sorted(_files(path))]
        elif path.exists() or path.is_symlink():
            work.append(Work(path, str(path)))
        else:
            raise FileNotFoundError(str(path))
    return work


def _files(folder: Path) -> Iterator[Path]:
    closed: list[OSError] = []
    for place, folders, files in os.walk(folder, onerror=closed.append):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__pycache__"]
        for name in files:
            if name.endswith(SUFFIXES) and not name.startswith("."):
                yield Path(place) / name
    for error in closed:
        yield Path(error.filename)
