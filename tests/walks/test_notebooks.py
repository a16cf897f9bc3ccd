"""Whole notebooks and scripts as people hand them in: what works in Jupyter gets full marks, and what is said is true.

Each file in ``tests/forms`` is one: cells begin at ``# %%``, ``@answer`` stands for a right answer, and comments above
say what is noted, whether it is a script, and whether it takes long.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from helpers import EXERCISE, RIGHT, ROOT

from grader.report.difference import without_varying
from grader.report.model import Report
from grader.session import Session
from grader.submission.find import Work
from grader.submission.installed import is_installed

FORMS = sorted((ROOT / "tests/forms").glob("*.ipy"))
SLOW = frozenset(form.stem for form in FORMS if "# slow" in form.read_text(encoding="utf-8").splitlines())
NOT_FULL_MARKS = ("A13", "A15a", "B01a", "C0", "n15a", "n16")
CASES = [path for path in sorted((ROOT / "tests/cases").glob("*/*")) if not path.parent.name.startswith(NOT_FULL_MARKS)]
WAITING = ("A09a", "n05")
"""About as long as the tests' own patience, which is longer than people's: it may or may not be stopped."""
NOTED = {
    "A01a": "there is no matplotlib here",
    "A09c": "it was stopped: it waits",
    "A14": "passed over",
    "n06a": "passed over",
    "n09a": "an assertion fails: choose a GPU runtime first",
}
LITTLE = {"seconds": 2.0}
"""Limits where only one of them ends a cell: the right answer beside it takes a hundredth of that."""
ANSWER = RIGHT.split('"""\n', 1)[1].strip()
INSIDE = re.compile(r"0x[0-9a-f]{6}|attn-child|site-packages|grader/|<cell")


def graded_twice(session: Session, path: Path) -> Report:
    """The report on a file; a second one says the same, and none speaks of the grader's insides."""
    first, second = (session.grade(Work(path, path.name)) for _ in range(2))
    assert without_varying(first.to_json()) == without_varying(second.to_json())
    assert not INSIDE.search(json.dumps(first.to_json())), first
    return first


def written(form: Path, folder: Path) -> tuple[Path, list[str], list[str]]:
    """A form as the file that is handed in, with what is to be noted, and what the sentence is to say."""
    text = form.read_text(encoding="utf-8")
    notes = re.findall(r"^# note: (.*)\n", text, re.MULTILINE)
    sentences = re.findall(r"^# sentence: (.*)\n", text, re.MULTILINE)
    code = re.sub(r"^# (?:note|sentence|script|slow)\b.*\n", "", text, flags=re.MULTILINE).replace("@answer", ANSWER)
    if "# script" in text.splitlines():
        path = folder / f"{EXERCISE}.py"
        path.write_text(code, encoding="utf-8")
    else:
        path = folder / f"{EXERCISE}.ipynb"
        cells = [cell.strip("\n") for cell in re.split(r"^# %%\n", code, flags=re.MULTILINE)]
        made = [{"cell_type": "code", "metadata": {}, "source": cell} for cell in cells]
        path.write_text(json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path, notes, sentences


@pytest.mark.parametrize(
    "form",
    [pytest.param(form, marks=[pytest.mark.slow] if form.stem in SLOW else [], id=form.stem) for form in FORMS],
)
def test_a_right_answer_gets_full_marks_in_every_form(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Path
) -> None:
    path, notes, sentences = written(form, tmp_path)
    if form.stem in SLOW:
        monkeypatch.setattr(session.runner, "limits", session.runner.limits.model_copy(update=LITTLE))
        report = session.grade(Work(path, path.name))
    else:
        report = graded_twice(session, path)
    said = [note.message.en for note in report.notes]
    if sentences:
        assert sentences[0] in report.diagnosis[0].message.en
        return
    assert report.passed, report.diagnosis
    for note in notes:
        library = re.match(r"there is no (\w+) here", note)
        if not (library and is_installed(library[1])):  # where it is there, there is nothing to be said
            assert any(part in message for part in note.split(" or ") for message in said), said
    assert notes or not said, said


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(
            path,
            marks=[pytest.mark.slow] if path.parent.name.startswith(WAITING) else [],
            id=f"{path.parent.name}-{path.suffix[1:]}",
        )
        for path in CASES
    ],
)
def test_cases_that_people_met_get_full_marks(session: Session, path: Path) -> None:
    waits = path.parent.name.startswith(WAITING)
    report = session.grade(Work(path, path.name)) if waits else graded_twice(session, path)
    assert report.passed, report.diagnosis
    said = [note.message.en for note in report.notes]
    expected = NOTED.get(path.parent.name.partition("_")[0])
    assert expected is None or any(expected in message for message in said), said


def test_numbers_that_differ_look_different(session: Session) -> None:
    (path,) = (ROOT / "tests/cases").glob("C03_*/*")
    message = graded_twice(session, path).diagnosis[0].message.en
    found = re.search(r"is (\S+) where (\S+) is expected", message)
    assert found, message
    assert found[1] != found[2]
