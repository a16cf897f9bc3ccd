"""A learner's own folder: where it is, which file in it is for which exercise, and what was handed out in each.

Its hidden folder ``.attn/`` holds ``workspace.json``: the language, notebooks or scripts, and for every file handed out
its digest as it was then, by which a learner's work is told from what nobody has touched.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.submission.names import HIDDEN

if TYPE_CHECKING:
    from grader.course.course import Assignment, Course, ExerciseEntry
    from grader.report.model import Language

STATE = "workspace.json"
FORMAT = 1


@dataclass
class Workspace:
    """A learner's folder, and what is known of it.

    Args:
        scripts: whether exercises are ``.py`` files; else notebooks.
        handed_out: by exercise, its file, relative to the folder, and that file's digest as it was handed out.
    """

    folder: Path
    language: Language = "en"
    scripts: bool = False
    handed_out: dict[str, tuple[str, str]] = field(default_factory=dict)

    def file(self, exercise: str) -> Path | None:
        """The learner's file for an exercise, whether or not it is still there; None if none was handed out."""
        found = self.handed_out.get(exercise)
        return self.folder / found[0] if found else None

    def place(self, assignment: Assignment, entry: ExerciseEntry) -> str:
        """Where an exercise's file lies, relative to the folder: where it was put, or its number in the course."""
        if entry.id in self.handed_out:
            return self.handed_out[entry.id][0]
        number = 1 + [other.id for other in assignment.exercises].index(entry.id)
        return f"{assignment.id}/{number:02d}_{entry.id}{'.py' if self.scripts else '.ipynb'}"

    def rename(self, course: Course) -> None:
        """Put what was handed out under ids that exercises had once under those that they have now."""
        self.handed_out = {course.named(name) or name: handed_out for name, handed_out in self.handed_out.items()}

    def as_json(self) -> str:
        """What is kept of it in ``.attn/workspace.json``."""
        state = {
            "format": FORMAT,
            "language": self.language,
            "scripts": self.scripts,
            "handed_out": {name: {"file": file, "digest": digest} for name, (file, digest) in self.handed_out.items()},
        }
        return json.dumps(state, indent=1) + "\n"


def find(start: Path) -> Workspace | None:
    """The workspace around a folder or a file: the nearest there or above."""
    here = start.absolute()
    for folder in (here, *here.parents):
        if (folder / HIDDEN / STATE).is_file():
            return _read(folder)
    return None


def _read(folder: Path) -> Workspace:
    """What was kept of a workspace; where that is damaged, as if nothing had been handed out yet."""
    try:
        state = json.loads((folder / HIDDEN / STATE).read_text(encoding="utf-8"))
        handed_out: dict[str, Any] = state["handed_out"]
        files = {
            name: (str(of["file"]), str(of["digest"]))
            for name, of in handed_out.items()
            if not {"..", Path(of["file"]).anchor} & set(Path(of["file"]).parts)  # nothing outside is ever ours
        }
        return Workspace(folder, "zh" if state["language"] == "zh" else "en", bool(state["scripts"]), files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Workspace(folder)
