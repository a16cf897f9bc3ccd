"""Fills a workspace: with what is new, never over a learner's work; and begins an exercise anew."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import nbformat

from grader.course.course import Assignment, ExerciseEntry, LocatedCourse
from grader.course.script import read_script
from grader.desk.files import write_whole
from grader.desk.workspace import STATE, Workspace
from grader.handout.learner import as_script, digest_of_text, learner_notebook
from grader.handout.notebooks import digest_of
from grader.submission.names import HIDDEN, KEPT


@dataclass
class Filled:
    """What came of filling a workspace: exercises that were added, those renewed, and those left to the learner."""

    added: list[str] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def fill(workspace: Workspace, located: LocatedCourse) -> Filled:
    """Write every exercise that is not there yet, and renew those in which nobody has worked.

    Raises:
        ExerciseError: an author's file is missing or wrong.
        OSError: something cannot be written.
    """
    filled = Filled()
    workspace.rename(located.course)
    (workspace.folder / HIDDEN).mkdir(parents=True, exist_ok=True)
    for assignment, entry in located.course.entries():
        text, digest = _fresh(workspace, located, entry)
        name = workspace.place(assignment, entry)
        path = workspace.folder / name
        if not path.exists():
            filled.added.append(entry.id)
        elif (there := _digest_in(path)) == digest:
            workspace.handed_out[entry.id] = name, digest
            continue
        elif there is None or there != workspace.handed_out.get(entry.id, (name, None))[1]:
            filled.left.append(entry.id)
            continue
        else:
            filled.renewed.append(entry.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
        workspace.handed_out[entry.id] = name, digest
    keep_state(workspace)
    return filled


def keep_state(workspace: Workspace) -> None:
    """Write what is known of the workspace.

    Raises:
        OSError: it cannot be written.
    """
    write_whole(workspace.folder / HIDDEN / STATE, workspace.as_json())


def reset(workspace: Workspace, located: LocatedCourse, exercise: str) -> tuple[Path, Path | None]:
    """Begin an exercise anew; returns its file, and the dated copy of what was there, if anything was.

    Raises:
        ExerciseError: an author's file is missing or wrong.
        OSError: something cannot be written.
    """
    assignment, entry = _found(located, exercise)
    name = workspace.place(assignment, entry)
    path = workspace.folder / name
    copy = None
    if path.exists():
        copy = _free(workspace.folder / KEPT / f"{path.stem}_{datetime.now():%Y-%m-%d_%H-%M-%S}{path.suffix}")
        copy.parent.mkdir(exist_ok=True)
        shutil.copy2(path, copy)
    text, digest = _fresh(workspace, located, entry)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
    workspace.handed_out[exercise] = name, digest
    keep_state(workspace)
    return path, copy


def _found(located: LocatedCourse, exercise: str) -> tuple[Assignment, ExerciseEntry]:
    found = located.course.find(exercise)
    assert found is not None
    return found


def _fresh(workspace: Workspace, located: LocatedCourse, entry: ExerciseEntry) -> tuple[str, str]:
    """An exercise's file as it is handed out, and its digest."""
    script = read_script(located.solution(entry.id) / "notebook.py")
    notebook = learner_notebook(located.course, entry, script, workspace.language)
    if workspace.scripts:
        text = as_script(notebook)
        return text, digest_of_text(text)
    return nbformat.writes(notebook) + "\n", digest_of(notebook)


def _digest_in(path: Path) -> str | None:
    """The digest of what a file holds; None for what cannot be read, which counts as the learner's."""
    try:
        text = path.read_text(encoding="utf-8")
        return digest_of_text(text) if path.suffix == ".py" else digest_of(nbformat.reads(text, as_version=4))
    except Exception:  # whatever it is, it is not ours
        return None


def _free(path: Path) -> Path:
    """The path, or one like it with a number, where nothing is."""
    return next(place for place in _numbered(path) if not place.exists())


def _numbered(path: Path) -> Iterator[Path]:
    yield path
    number = 2
    while True:
        yield path.with_name(f"{path.stem}_{number}{path.suffix}")
        number += 1
