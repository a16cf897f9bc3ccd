"""Modules of the learner's own that lie beside a submission, and that it imports.

They are taken from the student's own folder, never from one in which several students' files lie: there, one could
import another's answer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from grader.submission.contents import UnreadableError
from grader.submission.decoding import decode
from grader.submission.file import read_bytes
from grader.submission.installed import is_installed
from grader.submission.language import MAX_CODE_CHARACTERS, as_module
from grader.submission.names import stem_of, suffix_of
from grader.submission.statics import definitions, imports

MOST_MODULES = 20
MOST_NAMES = 200
"""In a student's own folder; one with more is somebody's collection."""


def modules_beside(
    path: Path, cells: Iterable[str], is_exercise: Callable[[str], bool], targets: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    """File names and texts of the modules that a submission imports from its own folder.

    Args:
        path: the submission.
        cells: its code.
        is_exercise: whether a name is an exercise's.
        targets: what the submission should define.
    """
    try:
        names = sorted(os.listdir(path.parent))[: MOST_NAMES + 1]
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return ()
    if len(names) > MOST_NAMES:
        return ()
    found = _imported(path.parent, cells, set(names), is_exercise)
    others = [name for name in names if suffix_of(name) and name != path.name and name not in found]
    if is_exercise(path.name.partition(".")[0]):
        own = not any(is_exercise(stem_of(name)) and stem_of(name) == stem_of(path.name) for name in others)
    else:
        own = not others and not any(set(targets) & definitions([text]).keys() for text in found.values())
    return tuple(found.items()) if own else ()


def _imported(
    folder: Path, cells: Iterable[str], names: set[str], is_exercise: Callable[[str], bool]
) -> dict[str, str]:
    """Texts of the modules that cells import, and of those that these import, by file name."""
    found: dict[str, str] = {}
    waiting = sorted(imports(cells))
    characters = 0
    while waiting and len(found) < MOST_MODULES:
        module = waiting.pop()
        name = f"{module}.py"
        if name not in names or name in found or is_exercise(module) or is_installed(module):
            continue
        try:
            text = decode(read_bytes(folder / name))
            text = as_module(text) or text
        except UnreadableError:
            continue
        characters += len(text)
        if characters > MAX_CODE_CHARACTERS:
            break
        found[name] = text
        waiting += imports([text])
    return found
