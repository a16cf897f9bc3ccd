"""What tests import by name: where the repository is, its exercises, a right and a wrong solution."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO

from pydantic.json_schema import GenerateJsonSchema

from grader.course.course import LocatedCourse, find_course
from grader.course.script import read_script
from grader.report.difference import without_varying
from grader.report.model import Report, json_form

ROOT = Path(__file__).resolve().parents[1]
SYSTEM = os.environ.get("AS_IF", sys.platform)
"""What the grader's own modules see: this system, or that of `as_if`."""
COMMAND = [str(ROOT / "tests/as_if.py"), SYSTEM] if "AS_IF" in os.environ else ["-m", "grader"]
"""Arguments for Python that are the command."""

EXERCISE = "scaled_dot_product_attention"
RIGHT = (ROOT / "demo/class/bo/scaled_dot_product_attention.py").read_text(encoding="utf-8")
"""A right solution to scaled_dot_product_attention."""

WRONG = RIGHT.replace("/ math.sqrt(q.shape[-1])", "")
"""The same without the scale."""

EXERCISES = [entry.id for _, entry in find_course(ROOT).course.entries()]
SUBMISSIONS = sorted((ROOT / "tests/submissions").glob("*/*.py"))
"""Solutions written by others, from the text of the exercises alone."""

REPORT_SCHEMA = ROOT / "docs/report.schema.json"


def environment() -> dict[str, str]:
    """For processes that use this checkout of the grader, whatever is installed."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def run_attn(
    *arguments: str | Path, cwd: Path = ROOT, stdout: int | IO[str] = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as a person runs it."""
    return subprocess.run(
        [sys.executable, *COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(),
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


def golden_file(submission: Path) -> Path:
    """Where the report on a submission is kept, if it is one of those that are."""
    return submission.with_suffix(".json")


def as_golden(report: Report) -> str:
    """A report as it is kept: the JSON that people get, without what varies and without the path."""
    kept = without_varying(report.to_json())
    del kept["submission"]
    return json.dumps(kept, indent=1, ensure_ascii=False) + "\n"


def little_exercise(root: Path, grading: str, reference: str, said: str = "", said_everywhere: str = "") -> Path:
    """Write an exercise of a course of its own under ``root``, and return its folder."""
    folder = root / "solutions/little/exercise"
    folder.mkdir(parents=True, exist_ok=True)
    given = '# %% tags=["given"]\nimport torch\nfrom torch import nn\n'
    solution = f'# %% tags=["solution"]\n### BEGIN SOLUTION\n{reference}\n### END SOLUTION\n'
    texts = {
        folder / "notebook.py": f"{given}\n{solution}",
        folder / "grading.py": grading,
        folder / "mistakes.yml": said,
        root / "solutions/mistakes.yml": said_everywhere,
    }
    for path, text in texts.items():
        if text:
            path.write_text(text, encoding="utf-8")
    return folder


class _WithoutTitles(GenerateJsonSchema):
    """A title would only repeat the field's name."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


def report_schema() -> str:
    """The JSON Schema of what `attn grade --json` writes, as the file has it."""
    written = {"$schema": GenerateJsonSchema.schema_dialect}
    written |= json_form().json_schema(mode="serialization", schema_generator=_WithoutTitles)
    return json.dumps(written, indent=1, ensure_ascii=False) + "\n"


def solve(course: LocatedCourse, exercise: str, path: Path) -> None:
    """Write the right solution into a notebook."""
    script = read_script(course.solution(exercise) / "notebook.py")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in script.code if "broken" not in cell.tags]
    answers = {stub: cell.source for stub, cell in zip(script.handed_out, code, strict=True) if "solution" in cell.tags}
    for cell in notebook["cells"]:
        cell["source"] = answers.get("".join(cell["source"]), cell["source"])
    path.write_text(json.dumps(notebook), encoding="utf-8")
