"""Names of files and folders are data, too: whatever they hold, nobody else's grade is lost, and no line is faked."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attacking import HONEST, PRELUDE
from helpers import EXERCISE, RIGHT

from grader.report.model import reports_from_json

Attn = Callable[..., Any]
HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
FOLDERS = {
    "a byte that is no text": b"caf\xe9",
    "bytes that are half a character": b"\xe6\xb3",
    "a surrogate in UTF-8": b"\xed\xa0\x80",
    "a line of its own": b"x\n  honest            6/6",
    "carriage return": b"x\rhonest 6/6",
    "terminal codes": b"\x1b[2J\x1b[1;32m\xc2\x9b2J",
    "right to left": "\u202egnp.\u2066".encode(),
    "markup": b"<img src=x onerror=alert(1)>[red]&amp;",
    "a formula": b"=cmd|' /C calc'!A0",
}


def write(folder: bytes, name: bytes, text: str) -> None:
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


@pytest.fixture
def submissions(tmp_path: Path) -> Iterator[Path]:
    top = tmp_path / "class"
    own = f"{EXERCISE}.py".encode()
    for name in (b"ann", b"zoe"):
        write(os.fsencode(top / os.fsdecode(name)), own, RIGHT)
    for name in FOLDERS.values():
        write(os.path.join(os.fsencode(top), name), own, PRELUDE + HONEST["zeros"])
        write(os.path.join(os.fsencode(top), b"files"), EXERCISE.encode() + b" " + name.replace(b"/", b"") + b".py", "")
        # Names that get into sentences: which exercise a file is for, which of its copies counts.
        write(os.path.join(os.fsencode(top), b"unnamed"), name.replace(b"/", b"") + b".py", "x = 1\n")
    _far_down(top / "long", ["n" * 250] * 20)
    _far_down(top / "deep", ["d"] * 1200)
    yield top
    home = os.getcwd()
    os.chdir(top / "deep")
    subprocess.run(["rm", "-rf", "d"], check=True)  # Python's own removal is recursive
    os.chdir(home)


def _far_down(folder: Path, names: list[str]) -> None:
    """A submission at the end of a path that is longer than any that can be opened, or deeper than functions nest."""
    folder.mkdir()
    here = os.open(folder, os.O_RDONLY)
    for name in names:
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    with open(os.open(f"{EXERCISE}.py", os.O_CREAT | os.O_WRONLY, dir_fd=here), "w", encoding="utf-8") as file:
        file.write(RIGHT)
    os.close(here)


def test_nobody_loses_a_grade_by_anothers_name(attn: Attn, submissions: Path, tmp_path: Path) -> None:
    done = attn("grade", submissions, "--json", "-")
    reports = json.loads(done.stdout)
    assert len(reports) == 2 + 3 * len(FOLDERS) + 2
    assert [report["score"] for report in reports if re.search(r"/(ann|zoe|deep)/", report["submission"])] == [6, 6, 6]
    assert not HIDDEN.search(done.stdout + done.stderr)
    assert len(reports_from_json(done.stdout)) == len(reports)
    for language in ("en", "zh"):
        file = tmp_path / "report.json"
        shown = attn("grade", submissions, "--json", file, "--lang", language)
        assert json.loads(file.read_text(encoding="utf-8"))
        assert not HIDDEN.search(shown.stdout + shown.stderr)
        assert sum(line.lstrip().startswith("honest") for line in (shown.stdout + shown.stderr).splitlines()) == 0
        assert attn("diff", file, file).returncode == 0


@pytest.mark.parametrize("name", FOLDERS)
def test_each_alone(attn: Attn, submissions: Path, name: str) -> None:
    path = submissions / os.fsdecode(FOLDERS[name])
    done = attn("grade", path, "--json", "-")
    assert json.loads(done.stdout)[0]["max_score"] == 6
    assert not HIDDEN.search(attn("grade", path).stdout)
