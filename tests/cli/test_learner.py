"""A learner at the terminal: where they are, what is next, and what they ask for."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from helpers import ROOT, environment, solve

from grader.cli import chinese
from grader.cli.main import app
from grader.course.course import LocatedCourse
from grader.course.script import read_script
from grader.desk.progress import Progress

Attn = Callable[..., Any]
FIRST = "attention_by_hand"


def test_the_way_of_a_learner(
    attn: Attn, data: Path, course: LocatedCourse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Starts, sees what is next, tries, takes a hint, solves it, and is told what is next."""
    monkeypatch.chdir(tmp_path)
    assert attn("start").stdout.startswith(f"41 exercises added to {tmp_path / 'attention-workshop'}.\n")
    here = tmp_path / "attention-workshop"
    monkeypatch.chdir(here)
    assert f"Next: {FIRST} · Attention by hand (20 min)" in attn().stdout
    path = here / "01-foundations" / f"01_{FIRST}.ipynb"
    assert str(Path("01-foundations", path.name)) in attn("next").stdout
    tried = attn("check", FIRST)
    assert (tried.returncode, tried.stdout.startswith(f"{FIRST}: 0/6 · not attempted")) == (0, True)
    assert "**1/3**" in attn("hint", FIRST).stdout
    solve(course, FIRST, path)
    passed = attn("check", FIRST)
    assert "✓ 1 of 41 · next: Dot-product attention (15 min)" in passed.stdout
    assert f"attn discuss {FIRST}" in passed.stdout
    state = json.loads(attn("progress", "--json", "-").stdout)
    assert (state["passed"], state["of"], state["next"], state["streak"]) == (1, 41, "dot_product_attention", 1)
    (first, *_) = state["exercises"]
    assert (first["state"], first["score"], first["checks"], first["hints"]) == ("passed", 6, 2, 1)
    assert "[Dot-product attention]" in (here / "00_start.ipynb").read_text(encoding="utf-8")


def test_an_id_stands_for_the_file(attn: Attn, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here / "02-heads")
    (report,) = json.loads(attn("grade", "masked_softmax", "--json", "-").stdout)
    assert (report["exercise"], report["status"]) == ("masked_softmax", "not_attempted")
    assert report["submission"].endswith("05_masked_softmax.ipynb")
    by_name = attn("grade", here / "01-foundations" / "05_masked_softmax.ipynb", "--json", "-")
    assert json.loads(by_name.stdout)[0]["exercise"] == "masked_softmax"
    assert attn("grade", "no_such_exercise").returncode == 2


def test_list_is_a_line_an_exercise(attn: Attn, data: Path, course: LocatedCourse) -> None:
    lines = attn("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [entry.id for _, entry in course.course.entries()]
    listed = json.loads(attn("list", "--json", "-").stdout)
    assert [one["exercise"] for one in listed] == [line.split()[0] for line in lines]


@pytest.mark.parametrize("command", ["check", "hint", "discuss", "solution", "reset"])
def test_the_nearest_name_is_suggested(attn: Attn, data: Path, command: str) -> None:
    done = attn(command, "maskd_softmax")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "There is no exercise 'maskd_softmax'; did you mean masked_softmax?\n"
    assert "是不是想写 masked_softmax" in attn(command, "maskd_softmax", "--lang", "zh").stderr


def test_the_discussion_has_every_question_with_its_answer(attn: Attn, data: Path, course: LocatedCourse) -> None:
    script = read_script(course.solution("masked_softmax") / "notebook.py")
    for language in ("en", "zh"):
        said = attn("discuss", "masked_softmax", "--lang", language).stdout
        parts = [script.discussion(language)]
        parts += [text for item in script.follow_ups(language) for text in (item.question, item.answer)]
        places = [said.index(part) for part in parts if part]
        assert places == sorted(places)
        assert len(places) > 5


def test_hints_go_on_and_then_offer_the_solution(attn: Attn, here: Path) -> None:
    said = [attn("hint", FIRST).stdout for _ in range(4)]
    assert [re.findall(r"\*\*(\d)/3\*\*", text) for text in said] == [["1"], ["2"], ["3"], ["3"]]
    assert [f"`attn solution {FIRST}`" in text for text in said] == [False, False, True, True]
    assert attn("hint", FIRST, "--number", "1").stdout == said[0]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such terminals")
@pytest.mark.parametrize(("answer", "status", "kinds"), [("n", 1, []), ("y", 0, ["solution"])])
def test_on_a_terminal_the_solution_asks_first(here: Path, answer: str, status: int, kinds: list[str]) -> None:
    import pty

    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    command = [sys.executable, "-m", "grader", "solution", FIRST]
    done = subprocess.run(command, cwd=here, env=environment(), stdin=theirs, stdout=theirs, stderr=theirs, check=False)
    os.close(theirs)
    said = os.read(ours, 2**16).decode()
    os.close(ours)
    assert done.returncode == status
    assert said.count("Go on? [y/N]: ") == 1
    assert ("scaled_weights" in said) == (answer == "y")
    assert [record.kind for record in Progress().records()] == kinds


@pytest.mark.parametrize("command", ["solution", "reset"])
def test_where_nobody_can_be_asked_yes_has_to_be_said(attn: Attn, here: Path, command: str) -> None:
    before = (here / "01-foundations" / f"01_{FIRST}.ipynb").read_text(encoding="utf-8")
    done = attn(command, FIRST)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"attn {command} {FIRST} --yes" in done.stderr
    assert (here / "01-foundations" / f"01_{FIRST}.ipynb").read_text(encoding="utf-8") == before
    assert json.loads(attn("progress", "--export", "-").stdout)["records"] == []


def test_the_solution_is_shown_and_recorded(attn: Attn, here: Path) -> None:
    done = attn("solution", "what_is_attention", "--yes")
    assert "    weights = torch.softmax(scores, dim=0)\n" in done.stdout
    assert "SOLUTION" not in done.stdout
    assert "Model answer" in done.stdout
    (record,) = json.loads(attn("progress", "--export", "-").stdout)["records"]
    assert (record["kind"], record["exercise"]) == ("solution", "what_is_attention")


def test_reset_keeps_a_copy(attn: Attn, here: Path) -> None:
    path = here / "01-foundations" / f"01_{FIRST}.ipynb"
    fresh = path.read_text(encoding="utf-8")
    path.write_text("mine", encoding="utf-8")
    done = attn("reset", FIRST, "--yes")
    (copy,) = (here / "kept").iterdir()
    assert str(Path("kept", copy.name)) in done.stdout
    assert (copy.read_text(encoding="utf-8"), path.read_text(encoding="utf-8")) == ("mine", fresh)


def test_what_was_got_wrong_comes_back_the_next_day(attn: Attn, here: Path) -> None:
    """It is said wherever one looks, and begun anew; the old answer is kept."""
    assert attn("review").stdout.startswith("Nothing is due")
    Progress().add("check", FIRST, score=1, max_score=6, status="graded", mistakes=["no-scale"])
    assert attn("review").stdout.startswith(f"Nothing is due. Next: {FIRST}, ")
    assert "To repeat" not in attn("progress").stdout
    wait_a_day()
    for command in ((), ("next",), ("progress",)):
        assert f"To repeat today (attn review): {FIRST}\n" in attn(*command).stdout
    said = attn("review").stdout
    assert said.startswith(
        f"{FIRST} · Attention by hand (20 min): not solved yet: Your weights match attention without"
    )
    assert "尚未做出" in attn("review", "--lang", "zh").stdout
    (due,) = json.loads(attn("review", "--json", "-").stdout)
    assert (due["exercise"], due["why"], due["mistakes"]) == (FIRST, "not solved", ["no-scale"])
    assert json.loads(attn("progress", "--json", "-").stdout)["due"] == [FIRST]
    assert not (here / "kept").exists(), "in a pipe nothing is begun unless --yes agrees to it"
    assert attn("review", "--yes").stdout.endswith(f"attn check {FIRST}\n")
    assert len(list((here / "kept").iterdir())) == 1
    assert re.search(r"- \d+ \w+: \[Attention by hand\]\(01-f", (here / "00_start.ipynb").read_text(encoding="utf-8"))


def wait_a_day() -> None:
    with closing(sqlite3.connect(Progress().path, isolation_level=None)) as database:
        database.execute("UPDATE records SET at = at - 24 * 3600")


def test_progress_is_exported_and_deleted(attn: Attn, here: Path) -> None:
    attn("hint", FIRST)
    assert attn("progress", "--export", here / "mine.json").returncode == 0
    assert len(json.loads((here / "mine.json").read_text(encoding="utf-8"))["records"]) == 1
    assert attn("progress", "--delete").stdout == "1 records deleted.\n"
    assert json.loads(attn("progress", "--export", "-").stdout)["records"] == []


def test_mistakes_that_keep_coming_are_said(attn: Attn, here: Path) -> None:
    for exercise in ("scaled_dot_product_attention", "masked_softmax"):
        Progress().add("check", exercise, score=1, max_score=6, mistakes=["no-scale"])
    said = attn("progress").stdout
    assert "2× Your weights match attention without the 1/√d scale" in said
    assert "反复出现的错误" in attn("progress", "--lang", "zh").stdout


def test_without_a_workspace_it_is_said_how_to_make_one(
    attn: Attn, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "`attn start` makes one" in attn().stdout
    done = attn("check", FIRST)
    assert (done.returncode, done.stdout) == (2, "")
    assert "attn start" in done.stderr


def test_a_second_start_says_what_it_did(attn: Attn, here: Path) -> None:
    """And a workspace speaks its language, until another is asked for."""
    assert attn("start").stdout.startswith(f"0 exercises added to {here}"), "it is renewed from inside"
    attn("start", "--lang", "zh")
    assert "下一题" in attn("next").stdout
    assert "Next:" in attn("next", "--lang", "en").stdout
    assert "工作区" in attn("start", "--scripts").stderr


def test_every_help_has_its_chinese() -> None:
    from typer.main import get_command

    group = get_command(app)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        assert name in chinese.COMMANDS, name
        known = chinese.PARAMETERS[""] | chinese.PARAMETERS.get(name, {})
        for parameter in command.params:
            assert parameter.name in known, (name, parameter.name)


def test_help_is_chinese_where_it_is_asked_for(attn: Attn, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in (("--help", "--lang", "zh"), ("--lang=zh", "--help")):
        assert "建立工作区" in attn(*arguments).stdout
    assert "建立工作区" not in attn("--help").stdout
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "习题的 id。" in attn("hint", "--help").stdout


def test_sixty_columns_are_enough(attn: Attn, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    for arguments in (("--help",), ("list",), ("progress",), ("next",), ("review",), ("interview", "--help")):
        said = attn(*arguments).stdout
        assert "…" not in said
        assert "..." not in said.replace("[ARGS]...", ""), arguments


def test_colours_are_for_terminals_that_want_them(attn: Attn, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attn("hint", FIRST)
    assert "\x1b" not in attn("list").stdout
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[33m" in attn("list").stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[33m" not in attn("list").stdout


def test_the_version_is_that_of_the_package(attn: Attn) -> None:
    from grader.version import own_version

    assert attn("--version").stdout == f"attn {own_version()}\n"


@pytest.mark.parametrize(
    ("typed", "completed"), [("hint masked", ["masked_softmax"]), ("interview --topic mas", ["masking"])]
)
def test_what_is_typed_completes(data: Path, typed: str, completed: list[str]) -> None:
    env = {**environment(), "_ATTN_COMPLETE": "complete_bash", "COMP_WORDS": f"attn {typed}"}
    env["COMP_CWORD"] = str(len(typed.split()))
    code = "from typer.main import get_command; from grader.cli.main import app; app(prog_name='attn')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.stdout.split() == completed, done.stderr


def test_what_runs_nobody_s_code_imports_no_torch(data: Path, tmp_path: Path) -> None:
    """One after the other in one process."""
    asked = [f"{command} {FIRST}" for command in ("hint", "discuss", "solution --yes")]
    code = f"""
import sys
from grader.cli.main import main
for command in {["start", "", "list", "next", "progress", "review", *asked]!r}:
    sys.argv = ["attn", *command.split()]
    try:
        main()
    except SystemExit as end:
        assert not end.code, command
    assert "torch" not in sys.modules, command
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
