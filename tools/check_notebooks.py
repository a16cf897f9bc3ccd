"""Says which notebooks in exercises/ are not what `attn build` makes of solutions/: worked in, run, or out of date.

python tools/check_notebooks.py [FILE...]     the notebooks, or their notebook.py; all when none is named
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat
from nbgrader.preprocessors import ClearHiddenTests

from grader.course.course import LocatedCourse, find_course
from grader.course.script import read_script
from grader.handout.notebooks import digest_of, source_notebook
from grader.handout.preprocessors import HandOut


def wrong_notebooks(located: LocatedCourse, exercises: Sequence[str]) -> Iterator[str]:
    """One line for each notebook that should not be committed as it is."""
    for name in exercises:
        path = located.release(name)
        if not path.is_file():
            yield f"{path} is not there; run `attn build {name}`"
            continue
        notebook = nbformat.read(path, as_version=4)
        if digest_of(notebook) != handed_out_digest(located, name):
            yield f"{path} is not what `attn build {name}` makes; take your own work out of it, and build it"
        elif any(cell.get("outputs") for cell in notebook.cells):
            yield f"{path} holds outputs; clear them"


def handed_out_digest(located: LocatedCourse, exercise: str) -> str:
    """The digest of the notebook that `attn build` would make."""
    found = located.course.find(exercise)
    assert found is not None
    notebook = source_notebook(located.course, found[1], read_script(located.solution(exercise) / "notebook.py"))
    for step in (HandOut(), ClearHiddenTests()):
        notebook, _ = step.preprocess(notebook, {})
    return digest_of(notebook)


def main() -> int:
    """Check the notebooks that the arguments name."""
    located = find_course(Path(__file__).resolve().parents[1])
    named = {Path(argument) for argument in sys.argv[1:]}
    asked = {path.stem if path.suffix == ".ipynb" else path.parent.name for path in named}
    known = [entry.id for _, entry in located.course.entries()]
    problems = list(wrong_notebooks(located, [name for name in known if not named or name in asked]))
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
