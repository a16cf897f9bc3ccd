"""Builds the notebooks that are handed out: notebook.py → nbgrader source notebook → ``generate_assignment``."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import nbformat

from grader.course.course import PUBLIC_FOLDER, LocatedCourse
from grader.course.keys import keep_answers, key_of
from grader.course.script import read_script
from grader.handout.notebooks import digest_of, source_notebook
from grader.handout.public import write_public
from grader.submission.notebook import METADATA_KEY


class BuildError(Exception):
    """A notebook cannot be built; the message says which and why."""


def build(
    located: LocatedCourse,
    target: Path,
    only: Sequence[str] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Build the notebooks of the course, or ``only`` some, into ``target/<assignment>/<exercise>.ipynb``.

    Returns what was written. A notebook in which somebody has worked since it was built is never written over.

    Raises:
        BuildError: a ``notebook.py`` is missing, nbgrader refuses what was made of one, or somebody has worked in a
            notebook that is in the way; all others are written nevertheless.
    """
    written, answered = list[Path](), list[Path]()
    with tempfile.TemporaryDirectory(prefix="attn-build-") as folder:
        work = Path(folder)
        write_sources(located, work / "source", only, progress)
        for assignment in sorted(path.name for path in (work / "source").iterdir()):
            progress(assignment)
            _generate(work, assignment)
            (target / assignment).mkdir(parents=True, exist_ok=True)
            for notebook in sorted((work / "release" / assignment).glob("*.ipynb")):
                place = target / assignment / notebook.name
                if has_work_in_it(place, notebook):
                    answered.append(place)
                else:
                    shutil.copyfile(notebook, place)
                    written.append(place)
            shutil.copytree(
                work / "source" / assignment / PUBLIC_FOLDER, target / assignment / PUBLIC_FOLDER, dirs_exist_ok=True
            )
    if answered:
        listed = "\n".join(f"  {path}" for path in answered)
        raise BuildError(
            f"Somebody has worked in these notebooks, so they are left as they are:\n{listed}\n"
            "Move them elsewhere, or delete them, and build again."
        )
    return written


def has_work_in_it(path: Path, fresh: Path) -> bool:
    """True where a notebook was changed since it was built, and is not what is about to be written in its place."""
    if not path.is_file():
        return False
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception:  # half an answer may be in it, whatever it is
        return True
    recorded = notebook.metadata.get(METADATA_KEY, {}).get("handed_out")
    mine = digest_of(notebook)
    return mine != recorded and mine != digest_of(nbformat.read(fresh, as_version=4))


def write_sources(
    located: LocatedCourse,
    source: Path,
    only: Sequence[str] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Write nbgrader's source notebooks, ``source/<assignment>/<exercise>.ipynb``, solutions included.

    Beside them lie the public files, which nbgrader hands out along with the notebooks. Returns what was written.
    """
    written = []
    for assignment, entry in located.course.entries():
        if only and entry.id not in only:
            continue
        progress(entry.id)
        script = read_script(located.solution(entry.id) / "notebook.py")
        path = source / assignment.id / f"{entry.id}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(source_notebook(located.course, entry, script), path)
        public = path.parent / PUBLIC_FOLDER / f"{entry.id}.safetensors"
        key = key_of(located, entry.id)
        write_public(key, script.hints(), public)
        keep_answers(key)
        written.append(path)
    return written


def _generate(work: Path, assignment: str) -> None:
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    from grader.handout.preprocessors import GENERATE_PREPROCESSORS

    config = Config()
    config.CourseDirectory.root = str(work)
    # Handing out needs no gradebook; an instructor's own `nbgrader generate_assignment` is what fills theirs.
    config.GenerateAssignment.no_database = True
    config.SaveCells.enabled = False
    config.GenerateAssignment.preprocessors = GENERATE_PREPROCESSORS
    config.Application.log_level = "ERROR"
    result = NbGraderAPI(config=config).generate_assignment(assignment, force=True, create=True)
    if not result["success"]:
        shown = re.sub(r"\x1b\[[0-9;]*m", "", result.get("error") or result.get("log") or "")
        raise BuildError(f"nbgrader cannot make {assignment}:\n{shown}")
