"""The command line: its exit statuses, its JSON, and that bad input gets a sentence and no traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import RIGHT, ROOT, WRONG, run_attn

from grader.runner.runner import Runner

Attn = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("ann", RIGHT), ("ben", WRONG)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "scaled_dot_product_attention.py").write_text(text, encoding="utf-8")
    return tmp_path


def test_help_imports_nothing_large() -> None:
    code = "import sys; sys.argv = ['attn', '--help']\nfrom grader.cli.main import main\n"
    code += "try: main()\nexcept SystemExit: pass\n"
    code += "assert not {'torch', 'rich', 'pydantic', 'jinja2'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False).returncode == 0


@pytest.mark.slow
def test_json_is_all_that_goes_to_standard_output(folder: Path) -> None:
    done = run_attn("grade", folder, "--json", "-")
    assert done.returncode == 0
    reports = json.loads(done.stdout)
    assert [Path(report["submission"]).parent.name for report in reports] == ["ann", "ben"]
    right, wrong = reports
    assert right["schema"] == 1
    assert right["score"] == right["max_score"] == 6
    assert right["diagnosis"] == []
    assert wrong["diagnosis"][0] == {
        "mistake": "no-scale",
        "family": "scaling",
        "message": wrong["diagnosis"][0]["message"],
    }
    keys = {"name", "family", "passed", "points", "max_points", "hidden", "message"}
    assert all(set(check) == keys for check in wrong["checks"])
    assert {"torch", "device", "grader", "sandbox"} == set(wrong["environment"])
    assert wrong["exercise"] == "scaled_dot_product_attention"
    assert wrong["seconds"] > 0


@pytest.mark.slow
def test_the_demonstration() -> None:
    done = run_attn("demo")
    assert done.returncode == 0
    assert "1/√d" in done.stdout
    assert "1 of 11 could not be graded" in done.stderr
    assert f"attn grade {Path('demo', 'class', 'chen')}\n" in done.stdout


@pytest.mark.everywhere
def test_fail_under(attn: Attn, folder: Path) -> None:
    assert attn("grade", folder / "ann", "--fail-under", "100").returncode == 0
    assert attn("grade", folder / "ben", "--fail-under", "90").returncode == 1


@pytest.mark.everywhere
def test_readable_report_leads_with_the_cause(attn: Attn, folder: Path) -> None:
    done = attn("grade", folder / "ben")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("scaled_dot_product_attention: ")
    assert "1/√d" in lines[1]
    assert done.returncode == 0


def test_chinese(attn: Attn, folder: Path) -> None:
    assert "缩放" in attn("grade", folder / "ben", "--lang", "zh").stdout


@pytest.mark.everywhere
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["grade", "nowhere.ipynb"], "no file or folder"),
        (["grade", ".ci"], "No .ipynb or .py file"),
        (["grade", "demo/class", "--exercise", "scaled_dot_product_atention"], "did you mean"),
        (["grade"], "Missing argument"),
        (["verify", "nothing"], "no exercise"),
    ],
)
def test_usage_errors_are_sentences(attn: Attn, arguments: list[str], said: str) -> None:
    done = attn(*arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_exercise_from_metadata_from_name_or_given(attn: Attn, tmp_path: Path) -> None:
    cell = {"cell_type": "code", "source": RIGHT, "metadata": {}, "outputs": [], "execution_count": None}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
    path = tmp_path / "mine.ipynb"
    path.write_text(json.dumps({**notebook, "cells": [{**cell, "source": "import torch"}]}))
    (report,) = json.loads(attn("grade", path, "--json", "-").stdout)
    assert report["status"] == "invalid"
    assert "--exercise" in report["diagnosis"][0]["message"]
    path.write_text(json.dumps(notebook))
    given = attn("grade", path, "--exercise", "scaled_dot_product_attention", "--json", "-")
    assert json.loads(given.stdout)[0]["score"] == 6
    notebook["metadata"] = {"attention_workshop": {"exercise": "scaled_dot_product_attention"}}
    path.write_text(json.dumps(notebook))
    assert json.loads(attn("grade", path, "--json", "-").stdout)[0]["score"] == 6


def test_one_broken_file_does_not_keep_the_rest_from_being_graded(attn: Attn, folder: Path) -> None:
    (folder / "cat").mkdir()
    (folder / "cat" / "scaled_dot_product_attention.ipynb").write_text('{"cells": [')
    done = attn("grade", folder, "--json", "-")
    assert [report["status"] for report in json.loads(done.stdout)] == ["graded", "graded", "invalid"]
    assert done.returncode == 1
    title, line = done.stderr.splitlines()
    assert title == "1 of 3 could not be graded:"
    assert "cat" in line
    assert "not valid JSON" in line


@pytest.mark.everywhere
@pytest.mark.parametrize("text", ["def scaled_dot_product_attention(q k):", "def another(q, k, v):\n    return v"])
def test_bad_input_is_no_success(attn: Attn, tmp_path: Path, text: str) -> None:
    path = tmp_path / "scaled_dot_product_attention.py"
    path.write_text(text)
    done = attn("grade", path)
    assert done.returncode == 1
    assert "scaled_dot_product_attention: 0/6" in done.stdout


@pytest.mark.everywhere
def test_a_class_is_not_graded_where_a_layer_is_missing(
    attn: Attn, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runner, "layers", lambda _: ("no_new_privs", "rlimits", "seccomp"))
    for arguments in ([folder], [folder / "ann", "--require-sandbox"]):
        refused = attn("grade", *arguments)
        assert refused.returncode == 2
        assert "lacks landlock" in refused.stderr
        assert "--no-sandbox" in refused.stderr
    assert attn("grade", folder, "--no-sandbox").returncode == 0
    assert attn("grade", folder / "ann").returncode == 0


@pytest.mark.everywhere
@pytest.mark.slow
def test_no_layer_is_used_where_none_is_wanted(folder: Path) -> None:
    done = run_attn("grade", folder, "--no-sandbox", "--json", "-")
    assert done.returncode == 0
    assert all(report["environment"]["sandbox"] == [] for report in json.loads(done.stdout))


@pytest.mark.everywhere
def test_a_course_among_the_submissions_is_not_trusted(folder: Path) -> None:
    (folder / "ann" / "course.yml").write_text("title: {en: Mine, zh: Mine}\n")
    (folder / "ann" / "solutions").mkdir()
    done = run_attn("grade", folder, cwd=folder / "ann")
    assert done.returncode == 2
    assert "course.yml" in done.stderr


@pytest.mark.everywhere
def test_json_file_that_cannot_be_written(attn: Attn, folder: Path) -> None:
    done = attn("grade", folder / "ann", "--json", folder / "no" / "such" / "place.json")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr


@pytest.mark.everywhere
def test_broken_course_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "course.yml").write_text("title: {en: T, zh: T}\nassignments:\n  - id: Bad Id\n", encoding="utf-8")
    (tmp_path / "x.py").write_text("")
    done = run_attn("grade", "x.py", cwd=tmp_path)
    assert done.returncode == 2
    assert "course.yml:3" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_module_that_a_submission_imports_is_none_itself(attn: Attn, tmp_path: Path) -> None:
    (tmp_path / "helpers_of_mine.py").write_text(RIGHT.replace("def scaled_dot_product_attention", "def attend"))
    own = "from helpers_of_mine import attend\n\ndef scaled_dot_product_attention(q, k, v, mask=None):\n"
    (tmp_path / "scaled_dot_product_attention.py").write_text(own + "    return attend(q, k, v, mask)\n")
    done = attn("grade", tmp_path, "--json", "-")
    assert done.returncode == 0
    (report,) = json.loads(done.stdout)
    assert report["score"] == 6
    assert "1 more in these folders, not graded" in done.stderr
    assert "helpers_of_mine.py: a module that scaled_dot_product_attention.py imports" in done.stderr
    by_name = attn("grade", tmp_path / "helpers_of_mine.py", tmp_path / "scaled_dot_product_attention.py")
    assert by_name.returncode == 1
