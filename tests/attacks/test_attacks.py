"""No attack earns a point, reads what it must not, changes another's grade or file, or outlives its submission."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from attacking import (
    HONEST,
    PRELUDE,
    Attack,
    Place,
    adopt_orphans,
    children,
    gone,
    place,
    read_attacks,
    reports_by_name,
    run_attn,
    snapshot,
)
from helpers import EXERCISE

pytestmark = pytest.mark.slow

ATTACKS = read_attacks()
STATUSES = {"graded", "not_attempted", "invalid", "crashed", "timeout", "out_of_memory"}
SIBLINGS = 6


@dataclass
class Graded:
    """One run over all attacks, with honest submissions among them."""

    place: Place
    reports: dict[str, dict[str, Any]]
    stderr: str
    before: dict[str, str]
    after: dict[str, str]
    left_running: bool


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graded]:
    folder = tmp_path_factory.mktemp("attacks")
    adopt_orphans()
    known = children()
    with place(folder) as at:
        for name, text in HONEST.items():
            at.hand_in(f"honest-{name}", text)
        for attack in ATTACKS:
            at.hand_in_attack(attack)
        for number in range(SIBLINGS):  # between the attacks, as the alphabet has it
            at.hand_in(f"{5 * number:02}_honest", HONEST["right"])
        _odd_files(at)
        before = snapshot(folder)
        done = run_attn(at.submissions, "grade", at.submissions, "--json", "-")
        left = not gone(known)
        yield Graded(at, reports_by_name(done), done.stderr, before, snapshot(folder), left)


def _odd_files(at: Place) -> None:
    """Things that are no submissions, in places where submissions lie; and modules for the unwary to import."""
    for name in (
        "odd-symlink",
        "odd-dangling",
        "odd-fifo",
        "odd-folder",
        "odd-huge",
        "odd-deep",
        "odd-nul",
        "odd-latin",
        "odd-outputs",
        "odd-long",
        "odd-archive",
        "odd-socket",
        "odd-link-to-folder",
        "odd-numbers",
        "odd-cells",
    ):
        (at.submissions / name).mkdir()
    notebook = f"{EXERCISE}.ipynb"
    reference = at.course / "solutions/01-foundations" / EXERCISE / "notebook.py"
    (at.submissions / "odd-symlink" / f"{EXERCISE}.py").symlink_to(reference)
    (at.submissions / "odd-dangling" / notebook).symlink_to(at.course / "nowhere")
    os.mkfifo(at.submissions / "odd-fifo" / notebook)
    (at.submissions / "odd-folder" / notebook).mkdir()
    (at.submissions / "odd-link-to-folder" / "solutions").symlink_to(reference.parent)
    with open(at.submissions / "odd-huge" / notebook, "wb") as file:
        file.truncate(200 * 2**20)
    (at.submissions / "odd-deep" / notebook).write_text('{"cells":' + "[" * 100_000 + "]" * 100_000 + "}")
    (at.submissions / "odd-nul" / f"{EXERCISE}.py").write_bytes(b"import torch\0\n")
    (at.submissions / "odd-latin" / f"{EXERCISE}.py").write_bytes(b"# caf\xe9\n")
    (at.submissions / "odd-long" / f"{EXERCISE}.py").write_text("a = 1\n" * 1_000_000)
    (at.submissions / "odd-numbers" / notebook).write_text('{"cells": [], "nbformat": ' + "9" * 100_000 + "}")
    right = [{"cell_type": "code", "source": PRELUDE + HONEST["right"], "metadata": {}, "outputs": []}]
    right[0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x"}] * 100_000
    (at.submissions / "odd-outputs" / notebook).write_text(json.dumps({"cells": right, "metadata": {}}))
    cells = [{"cell_type": "code", "source": "1"}, 5, None, {"cell_type": ["code"]}, {"cell_type": "code", "source": 7}]
    (at.submissions / "odd-cells" / notebook).write_text(json.dumps({"cells": cells * 1000, "metadata": [1]}))
    with zipfile.ZipFile(at.submissions / "odd-archive" / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(notebook, bytes(2**26))
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as server:
        home = os.getcwd()
        os.chdir(at.submissions / "odd-socket")  # the path of a socket may have 108 characters only
        server.bind(notebook)
        os.chdir(home)
    for name in ("torch.py", "json.py", "sitecustomize.py", "conftest.py", "grader.py"):
        (at.submissions / name).write_text(f"open({str(at.canary)!r}, 'w').close()\n")


def _parameter(attack: Attack) -> Any:
    """An attack, expected to come off where its docstring says that the hole is open."""
    known = [pytest.mark.xfail(reason=attack.says["open"], strict=True)] if "open" in attack.says else []
    return pytest.param(attack, id=attack.name, marks=known)


@pytest.mark.parametrize("attack", [_parameter(attack) for attack in ATTACKS])
def test_earns_no_more_than_its_honest_part(graded: Graded, attack: Attack) -> None:
    report = graded.reports[attack.name]
    full = report["max_score"]
    scores = {name: graded.reports[f"honest-{name}"]["score"] for name in HONEST}
    most = {**scores, "right": full, "half": full / 2, "less than right": full - 0.01}[attack.deserves]
    assert report["score"] <= most + 1e-9, [check["name"] for check in report["checks"] if check["passed"]]
    assert report["status"] in STATUSES
    assert report["status"] == attack.says.get("status", report["status"])
    if "fails" in attack.says:
        assert not next(check for check in report["checks"] if check["name"] == attack.says["fails"])["passed"]
    if attack.deserves == "right":
        assert report["score"] == full
    if report["score"] < full:
        assert report["diagnosis"]


def test_honest_submissions_beside_the_attacks_keep_their_grades(graded: Graded) -> None:
    for name, report in graded.reports.items():
        if name == "honest-right" or name.endswith("_honest"):
            assert (report["status"], report["score"]) == ("graded", report["max_score"]), (name, report)


def test_every_file_gets_a_report(graded: Graded) -> None:
    expected = {attack.name for attack in ATTACKS} | {f"honest-{name}" for name in HONEST}
    assert expected <= graded.reports.keys()


def test_no_file_changes(graded: Graded) -> None:
    assert graded.after == graded.before
    assert not graded.place.canary.exists()
    with contextlib.closing(sqlite3.connect(graded.place.gradebook)) as database:
        assert database.execute("select auto_score from grade").fetchall() == [(0.0,)]


def test_nothing_is_left_running(graded: Graded) -> None:
    assert not graded.left_running


def test_no_traceback(graded: Graded) -> None:
    assert "Traceback" not in graded.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("odd-symlink", "symbolic link"),
        ("odd-dangling", "symbolic link"),
        ("odd-fifo", "not a regular file"),
        ("odd-huge", "200 MB"),
        ("odd-deep", "nested too deeply"),
        ("odd-latin", "not UTF-8"),
        ("odd-long", "more code"),
        ("odd-numbers", "not valid JSON"),
        ("odd-cells", "more code"),
        ("odd-nul", "not text"),
        ("odd-socket", "cannot be opened"),
    ],
)
def test_odd_files_are_refused_with_a_reason(graded: Graded, name: str, said: str) -> None:
    report = graded.reports[name]
    assert (report["status"], report["score"]) == ("invalid", 0)
    assert said in report["diagnosis"][0]["message"]


def test_folders_links_to_folders_and_archives_are_no_submissions(graded: Graded) -> None:
    assert not {"odd-folder", "odd-archive", "odd-link-to-folder", "solutions"} & graded.reports.keys()


def test_a_hundred_thousand_outputs_do_not_matter(graded: Graded) -> None:
    assert graded.reports["odd-outputs"]["score"] == graded.reports["odd-outputs"]["max_score"]


def test_a_file_of_a_kind_that_is_not_graded_is_said_to_be_none(attn: Callable[..., Any], graded: Graded) -> None:
    bomb = graded.place.submissions / "odd-archive" / "bomb.zip"
    done = attn("grade", bomb, "--json", "-")
    assert done.returncode == 1
    assert json.loads(done.stdout)[0]["status"] == "invalid"


def test_nothing_reaches_the_terminal_but_text(attn: Callable[..., Any], tmp_path: Path) -> None:
    wanted = ("31_terminal_codes", "31_script_in_a_note", "31_script_in_an_exception", "15_text_that_no_file_takes")
    with place(tmp_path) as at:
        paths = [at.hand_in_attack(attack) for attack in ATTACKS if attack.name in wanted]
        for asked in (paths[-1], at.submissions):  # a report in full, and a table
            done = attn("grade", asked)
            assert done.returncode == 0
            assert not set(done.stdout) & {"\x1b", "\x07", "\u202e", "\r"}


def test_at_least_sixty_attacks_of_every_group_and_some_of_our_own() -> None:
    groups = {int(attack.name[:2]) for attack in ATTACKS}
    assert len(ATTACKS) >= 60
    assert groups >= set(range(1, 39)) - {18}  # what lives in notebooks is in test_nbgrader_attacks.py
    assert sum("Own invention" in attack.text for attack in ATTACKS) >= 2
