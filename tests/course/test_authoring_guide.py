"""docs/authoring.md: its exercise is built as the page says, and its vocabulary is all that there is."""

from __future__ import annotations

import ast
import dataclasses
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from helpers import ROOT
from typer.testing import CliRunner

import grader.authoring
from grader.authoring import Case, Exercise, Inputs
from grader.authoring.cases import FAMILIES, Called
from grader.authoring.conduct import conduct
from grader.cli.main import app
from grader.course import keys
from grader.course.script import TAGS
from grader.course.sentences import _Entry

PAGE = (ROOT / "docs/authoring.md").read_text(encoding="utf-8")
STEPS = "\n## One exercise, step by step\n"
NAME = "attention_pooling"


class Block(NamedTuple):
    """A block of code: text for the file that is named above it, or commands with what they print."""

    kind: str
    file: str
    text: str


def blocks() -> list[Block]:
    """All blocks of the page, in order."""
    found = []
    for match in re.finditer(r"([^\n]*\n(?:[^\n]+\n)*)\n```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        above, kind, text = match.groups()
        files = re.findall(r"`(\w+\.(?:py|yml))`", above)
        assert kind == "console" or (files and above.endswith(":\n")), f"no file is named above:\n{text}"
        found.append(Block(kind, files[-1] if files else "", text))
    return found


def test_every_block_belongs_to_the_exercise() -> None:
    assert len(blocks()) == PAGE.count("\n```") / 2
    assert "```" not in PAGE.partition(STEPS)[0]
    assert {block.kind for block in blocks()} == {"console", "python", "yaml"}


def merged(old: str, new: str) -> str:
    """A module with the statements of another, which take the place of those that bind the same names."""
    parts = {_bound(statement): statement for statement in ast.parse(old).body}
    for statement in ast.parse(new).body:
        parts.pop(_bound(statement), None)
        parts[_bound(statement)] = statement
    imports = {name: part for name, part in parts.items() if isinstance(part, ast.Import | ast.ImportFrom)}
    exercise = parts.pop("exercise")
    return ast.unparse(ast.Module([*(imports | parts).values(), exercise], []))


def _bound(statement: ast.stmt) -> str:
    match statement:
        case ast.ImportFrom(module=module):
            return f"from {module}"
        case ast.Import(names=[alias]):
            return f"import {alias.name}"
        case ast.FunctionDef(name=name) | ast.Assign(targets=[ast.Name(id=name)]):
            return name
    return ""  # the docstring


def matches(sample: str, output: str) -> bool:
    """Whether a command printed what the page shows; ``…`` on the page stands for anything, lines included."""
    pattern = re.escape(sample.strip()).replace("…", ".*?")
    return re.fullmatch(pattern, output.strip(), re.DOTALL) is not None


@pytest.mark.slow
def test_the_exercise_is_built_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "solutions", tmp_path / "solutions", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "course.yml", tmp_path / "course.yml")
    folder = tmp_path / "solutions/08-pooling" / NAME
    folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(keys, "stamp_of", keys.stamp_of.__wrapped__)  # a process sees its files change only in tests
    monkeypatch.setattr(keys, "_key", keys._key.__wrapped__)
    places = {"notebook.py": folder, "grading.py": folder, "mistakes.yml": folder}
    for block in blocks():
        if block.kind == "console":
            run_as_shown(block.text)
            continue
        file = places.get(block.file, tmp_path) / block.file
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        if block.file == "grading.py" and before:
            file.write_text(merged(before, block.text), encoding="utf-8")
        else:
            file.write_text(f"{before}\n{block.text}".lstrip(), encoding="utf-8")


def run_as_shown(text: str) -> None:
    """In this process: one of its own for each command would import torch."""
    for command, shown in re.findall(r"^\$ attn (.*)\n((?:[^$].*\n)*)", text, re.MULTILINE):
        done = CliRunner().invoke(app, command.split())
        output = done.stderr + done.stdout if command.startswith("build") else done.stdout + done.stderr
        assert matches(shown, output), f"$ attn {command}\n{output}"


def rows(heading: str) -> list[str]:
    """The names in the first column of the table under a heading."""
    part = PAGE.partition(f"\n### {heading}\n")[2].partition("\n##")[0]
    return re.findall(r"^\| `\.?([\w-]+)", part, re.MULTILINE)


def public(kind: type) -> set[str]:
    return {name for name, value in vars(kind).items() if callable(value) and not name.startswith("_")}


def test_the_vocabulary_is_complete() -> None:
    assert len(rows("Names")) == len(set(rows("Names")))
    assert set(rows("Names")) == {*grader.authoring.__all__, *public(Called)}


@pytest.mark.parametrize("kind", [Case, Exercise])
def test_the_options_are_complete(kind: type) -> None:
    assert rows(f"Options of {kind.__name__}") == [option.name for option in dataclasses.fields(kind)]


def test_the_other_tables_are_complete() -> None:
    assert set(rows("Inputs")) == public(Inputs)
    assert tuple(rows("Families")) == FAMILIES
    made = conduct({"scaled_dot_product_attention"}, outputs=("first", "second"), known=())
    assert rows("Mistakes that the grader makes by itself") == [mistake.slug for mistake in made]
    assert set(rows("mistakes.yml")) == _Entry.model_fields.keys()
    assert set(re.findall(r'tags=\["([\w-]+)"\]', PAGE.partition("### mistakes.yml")[0])) == TAGS
