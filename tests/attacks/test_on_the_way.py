"""Attacks on what comes before the calls: cells are translated, modules beside are read, what failed is told."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from attacking import HONEST, PRELUDE, read_attacks
from helpers import EXERCISE

from grader.grade import Grader
from grader.report.model import Report
from grader.report.render import as_html, as_text
from grader.session import Session
from grader.submission import translator
from grader.submission.find import Work
from grader.submission.language import MOST_TRANSLATING_SECONDS, as_code
from grader.submission.reader import Submission, read_submission

TEXTS = {attack.name: PRELUDE + attack.text for attack in read_attacks()}
IN_A_THREAD = f"""
import threading
import torch
import helper

def {EXERCISE}(q, k, v, mask=None):
    found = []
    eye = torch.eye(k.shape[-2], dtype=k.dtype).expand(*k.shape[:-1], -1)
    for values in (v, eye):
        thread = threading.Thread(target=lambda: found.append(helper.go(q, k, values, attn_mask=mask)))
        thread.start()
        thread.join()
    return tuple(found)
"""
LIBRARY = "import torch.nn.functional as F\ngo = F.scaled_dot_product_attention\n"


def test_a_note_makes_no_lines_and_no_script(grader: Grader, tmp_path: Path) -> None:
    path = tmp_path / f"{EXERCISE}.py"
    path.write_text(TEXTS["31_script_in_a_note"], encoding="utf-8")
    report = grader.grade_cells(read_submission(path))
    assert len(report.notes) == 8
    for language in ("en", "zh"):
        text, page = as_text(report, language), as_html(report, language)
        assert len(text.splitlines()) == 1 + len(report.notes) + len(report.checks)
        assert text.count(f"{EXERCISE}: 6/6") == text.count(f"x {EXERCISE}: 6/6") + 1
        assert "alert(1)" in page
        assert "<script" not in page
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028]", text + page)


@pytest.mark.slow
def test_what_a_submission_costs_its_translator_is_bounded() -> None:
    as_code(["%time 1"])
    before = _translators_seconds()
    cells = [f"# {number}\n" + "x = !ls\n" * 400 for number in range(12)]
    assert as_code([*cells, "y = 1"])[-1] == "y = 1"
    assert as_code(["%time 2"]) != ("%time 2",)  # the next has patience of its own
    assert _translators_seconds() - before < MOST_TRANSLATING_SECONDS + 4


def _translators_seconds() -> float:
    process = translator._translator._process
    assert process is not None
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_translator_that_dies_costs_its_submission_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def dies(cell: str) -> bytes:
        asked.append(cell)
        return b""

    monkeypatch.setattr(translator._translator, "_asked", dies)
    assert as_code([f"%dies {number}" for number in range(9)])[-1] == "%dies 8"
    assert len(asked) == 3


def _symlink(helper: Path) -> None:
    (helper.parent.parent / "elsewhere.py").write_text(LIBRARY)
    helper.symlink_to(helper.parent.parent / "elsewhere.py")


def _large(helper: Path) -> None:
    helper.write_text(LIBRARY, encoding="utf-8")
    os.truncate(helper, 200 * 2**20)


def _deep(helper: Path) -> None:
    helper.write_text(f"{LIBRARY}depth = 1{' + 1' * 300}\n", encoding="utf-8")


def _decoded_twice(helper: Path) -> None:
    helper.write_bytes(b"# coding: utf-7\n# +-AAo-" + LIBRARY.replace("\n", "+-AAo-").encode() + b"\n")


@pytest.mark.parametrize("make", [_symlink, os.mkfifo, _large, _deep, _decoded_twice], ids=lambda make: make.__name__)
def test_what_only_looks_like_a_module_is_not_imported(
    session: Session, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "mallory" / f"{EXERCISE}.py"
    path.parent.mkdir()
    path.write_text(IN_A_THREAD)
    make(path.parent / "helper.py")
    assert session.grade(Work(path, "mallory")).score == 0


def test_a_module_beside_that_calls_the_library_is_seen(session: Session, tmp_path: Path) -> None:
    path = tmp_path / f"{EXERCISE}.py"
    path.write_text(IN_A_THREAD)
    (tmp_path / "helper.py").write_text(LIBRARY)
    report = session.grade(Work(path, "mallory"))
    assert "written by hand" in [check.name.en for check in report.checks if not check.passed]
    assert report.score <= report.max_score / 2


@pytest.mark.parametrize("bob", ["bob.py", f"{EXERCISE}_bob.py"])
def test_nobody_imports_anothers_answer(session: Session, tmp_path: Path, bob: str) -> None:
    (tmp_path / bob).write_text(PRELUDE + HONEST["right"])
    (tmp_path / "utilities.py").write_text(f"from {bob[:-3]} import {EXERCISE} as another\n")
    for name, text in {
        "mallory.py": f"from {bob[:-3]} import {EXERCISE}\n",
        f"{EXERCISE}_mallory.py": f"import {bob[:-3]} as other\n{EXERCISE} = other.right\n",
        "mallory_too.py": f"from utilities import another as {EXERCISE}\n",
    }.items():
        (tmp_path / name).write_text(text)
        assert session.grade(Work(tmp_path / name, name), EXERCISE).score == 0, name
    assert session.grade(Work(tmp_path / bob, bob), EXERCISE).passed


def test_a_module_is_read_in_the_coding_that_it_declares(session: Session, tmp_path: Path) -> None:
    path = tmp_path / f"{EXERCISE}.py"
    path.write_text(f"from helper import name, right as {EXERCISE}\nassert name == '注意力', name\n", encoding="utf-8")
    (tmp_path / "helper.py").write_text(f"# coding: gbk\n{PRELUDE}name = '注意力'\n", encoding="gbk")
    report = session.grade(Work(path, "wang"))
    assert (report.passed, report.notes) == (True, ())


def test_names_of_the_kernels_may_be_a_notebooks_own(grader: Grader) -> None:
    cells = [
        "import torch\nOut = torch.zeros(4)\nOut",
        "In = torch.ones(2)",
        PRELUDE + HONEST["right"],
        "1 + 1",
        "del In",
    ]
    report: Report = grader.grade_cells(Submission(Path("x.ipynb"), (*cells, "assert Out.tolist() == [0] * 4")))
    assert (report.passed, report.notes) == (True, ())
