"""Files as people have them: whatever they are called and written with, they are read, or said to be what they are."""

from __future__ import annotations

import codecs
import json
import os
import pickle
import re
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.cli.passed_over import SHOWN, list_passed_over
from grader.course.course import LocatedCourse
from grader.report.model import Report
from grader.session import Session
from grader.submission.contents import UnreadableError
from grader.submission.decoding import decode
from grader.submission.find import Work, find
from grader.submission.missing import notes_on
from grader.submission.names import possible_exercises, suffix_of
from grader.submission.newer import needed_version
from grader.submission.notes import Note
from grader.submission.reader import Submission, parse, read_contents, read_submission
from grader.text import Text

CASES = Path(__file__).parents[1] / "cases"
ANSWER = "import torch\ndef weighted_sum(inputs, weights):\n    return (inputs * weights[..., None]).sum(dim=1)\n"
SOFTMAX = "def masked_softmax(scores, mask):\n    return scores\n"
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
Grade = Callable[..., Report]


def notebook(*cells: str | tuple[str, str], **metadata: Any) -> dict[str, Any]:
    """A notebook of code cells, or of pairs of a cell's kind and text."""
    pairs = [("code", cell) if isinstance(cell, str) else cell for cell in cells]
    made = [{"cell_type": kind, "metadata": {}, "source": source} for kind, source in pairs]
    return {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def case(name: str) -> list[Path]:
    (folder,) = CASES.glob(f"{name}_*")
    return sorted(folder.iterdir())


@pytest.fixture
def grade_file(session: Session, tmp_path: Path) -> Grade:
    """Write a file and grade it."""

    def graded(name: str, content: str | bytes | dict[str, Any], exercise: str | None = None) -> Report:
        path = tmp_path / name
        text = json.dumps(content) if isinstance(content, dict) else content
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return session.grade(Work(path, name), exercise)

    return graded


def refused(path: Path) -> Text:
    with pytest.raises(UnreadableError) as caught:
        read_submission(path)
    return caught.value.text


def answer(read: Callable[[Any], Any], given: Any) -> Any:
    """What a reader makes of something, or its sentence in two languages."""
    try:
        return read(given)
    except UnreadableError as error:
        text = error.text
    assert text.en
    assert text.zh
    return text


def said(report: Report) -> Text:
    assert report.status == "invalid", report
    text = report.diagnosis[0].message
    assert re.search("[\u4e00-\u9fff]", text.zh), text
    assert text.en.endswith((".", "?", ".)"))
    return text


# The cases that people met.


@pytest.mark.parametrize(
    "path",
    [path for name in ("A12", "n11", "n12", "n13", "n14", "n17") for path in case(name)],
    ids=lambda path: f"{path.parent.name}-{path.suffix[1:]}",
)
def test_read_as_what_they_are(session: Session, path: Path) -> None:
    by_name = session.grade(Work(path, path.name))
    assert by_name.passed, by_name.diagnosis
    (in_folder,) = [work for work in find([path.parent]).work if work.path == path]
    assert session.grade(in_folder).passed


@pytest.mark.parametrize(
    ("name", "english"),
    [
        ("C06a", "merge conflict begins in line 2: keep one side"),
        ("C06b", "empty"),
        ("n15a", "`weighted_sum` stands in cell 2, which is a Markdown cell and is not run: change its type to Code"),
        ("n16", "metadata of my_weighted_sum.ipynb name the exercise masked_softmax, but its cells define"),
        pytest.param(
            "A15a",
            f"written for Python 3.12, but this grader runs Python 3.{sys.version_info.minor}: cell 1",
            marks=pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python has the syntax"),
        ),
    ],
)
def test_said_to_be_what_they_are(session: Session, name: str, english: str) -> None:
    (path,) = case(name)
    assert english in said(session.grade(Work(path, path.name))).en


def test_a_copied_notebook_is_graded_for_the_exercise_that_is_given(session: Session) -> None:
    (path,) = case("n16")
    assert session.grade(Work(path, path.name), "weighted_sum").passed


# Names.


@pytest.mark.parametrize(
    "name",
    ["weighted_sum", "weighted_sum.ipynb.txt", "weighted_sum.Ipynb", "weighted_sum.json", "weighted_sum.ipynb.json"],
)
def test_what_looks_like_a_notebook_is_one(tmp_path: Path, session: Session, name: str) -> None:
    path = tmp_path / name
    path.write_text(json.dumps(notebook(ANSWER)))
    for work in (Work(path, name), *find([tmp_path]).work):
        report = session.grade(work)
        assert report.passed, report.diagnosis
        assert report.exercise == "weighted_sum"
    assert len(find([tmp_path]).work) == 1


@pytest.mark.parametrize("name", ["weighted_sum.PY", "weighted_sum.py.txt", "weighted_sum.Py.TXT"])
def test_what_is_called_a_script_is_one(tmp_path: Path, session: Session, name: str) -> None:
    path = tmp_path / name
    path.write_text(ANSWER)
    assert [session.grade(work).passed for work in (Work(path, name), *find([tmp_path]).work)] == [True, True]


def test_a_script_without_a_suffix_is_read_by_name(grade_file: Grade) -> None:
    assert grade_file("weighted_sum", ANSWER).passed
    assert grade_file("weighted_sum.txt", ANSWER).passed


def test_a_notebook_called_py_is_read_and_a_script_called_ipynb_is_named(grade_file: Grade) -> None:
    assert grade_file("weighted_sum.py", notebook(ANSWER)).passed
    assert "called .ipynb; name it .py" in said(grade_file("weighted_sum.ipynb", ANSWER)).en


@pytest.mark.parametrize(
    "name",
    [
        *("x.ipynb", "X.IPYNB", "x (1).ipynb", "x(2).ipynb", "x-Copy1.ipynb", "x-Copy1-Copy2.ipynb", "x copy 2.py"),
        *("x - Copy.ipynb", "x - Copy (2).ipynb", "Copy of x.ipynb", "“x”的副本.ipynb", "x - 副本.ipynb", "x_2.py"),
        *("x.ipynb (1).txt", "x-Copy1.ipynb.txt", "x（1）.ipynb", "x copy.ipynb", "x 2.ipynb", "x_v2.ipynb"),
    ],
)
def test_the_name_of_a_copy_tells_the_exercise(name: str) -> None:
    assert "x" in possible_exercises(name)


@pytest.mark.parametrize("name", ["my_x.ipynb", "x_new.ipynb", "xcopyright.ipynb", ".ipynb"])
def test_other_names_do_not(name: str) -> None:
    assert "x" not in possible_exercises(name)


def test_the_first_suffix_counts() -> None:
    names = ("x.py", "x.py.txt", "x.ipynb.json", "x.json", "x.py.ipynb", "x.txt", "x")
    assert [suffix_of(name) for name in names] == [".py", ".py", ".ipynb", "", ".py", "", ""]


def test_the_exercise_is_found_by_what_the_cells_define(grade_file: Grade) -> None:
    found = grade_file("homework.ipynb", notebook(ANSWER))
    assert found.passed
    assert found.exercise == "weighted_sum"
    assert "--exercise" in said(grade_file("homework.py", "def nothing(): ...")).en
    both = said(grade_file("homework.py", ANSWER + SOFTMAX))
    assert "weighted_sum" in both.en
    assert "masked_softmax" in both.en


def test_metadata_come_before_what_the_cells_define(grade_file: Grade) -> None:
    ours = {"attention_workshop": {"exercise": "weighted_sum"}}
    report = grade_file("homework.ipynb", notebook(SOFTMAX, ANSWER, **ours))
    assert report.passed
    assert report.exercise == "weighted_sum"


@pytest.mark.parametrize("name", ["debug_sparse_zeros (1).ipynb", "06_debug_sparse_zeros.ipynb", "homework.ipynb"])
def test_an_exercise_has_its_old_names_too(grade_file: Grade, name: str) -> None:
    answer = (CASES.parent / "submissions" / "debug_6" / "right_scatter.py").read_text(encoding="utf-8")
    ours = {"attention_workshop": {"exercise": "debug_sparse_zeros"}}
    report = grade_file(name, notebook(answer, **ours))
    assert report.passed
    assert report.exercise == "debug_6"
    assert not report.notes


def test_an_answer_to_another_exercise_is_said_to_be_one(grade_file: Grade) -> None:
    first = said(grade_file("weighted_sum.ipynb", notebook(SOFTMAX)))
    assert "masked_softmax" in first.en
    assert "--exercise masked_softmax" in first.zh


# Texts and their codings.


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
def test_notebooks_in_every_coding_of_json(grade_file: Grade, coding: str) -> None:
    text = json.dumps(notebook(f"# 加权\n{ANSWER}"), ensure_ascii=False)
    assert grade_file("weighted_sum.ipynb", text.encode(coding)).passed


def test_a_notebook_in_a_folder_is_known_in_utf_16(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_bytes(json.dumps(notebook(ANSWER)).encode("utf-16"))
    assert len(find([tmp_path]).work) == 1


@pytest.mark.parametrize(
    ("declared", "coding"),
    [
        ("# -*- coding: gbk -*-", "gbk"),
        ("#!/usr/bin/env python\n# vim: set fileencoding=gb2312 :", "gb2312"),
        ("# coding=big5", "big5"),
        ("# -*- coding: utf-8 -*-", "utf-8"),
        ("", "utf-8-sig"),
        ("", "utf-16"),
        ("# coding: gbk", "utf-8-sig"),  # the mark is right, the declaration is left over
    ],
)
def test_scripts_in_a_declared_coding(grade_file: Grade, declared: str, coding: str) -> None:
    assert grade_file("weighted_sum.py", f"{declared}\n# 和\n{ANSWER}".encode(coding)).passed


def test_latin_1(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_bytes("# coding: latin-1\nx = 'é'\n".encode("latin-1"))
    assert "'é'" in read_submission(path).cells[0]
    path.write_bytes("x = 1\nx = 'é'\n".encode("latin-1"))
    assert "not UTF-8 text (byte 11, line 2); save it as UTF-8" in refused(path).en


def test_lines_end_as_they_do_in_python(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_bytes(b"a = 1\r\n# %%\r\nb = 2\rc = 3\n")
    assert read_submission(path).cells == ("a = 1", "b = 2\nc = 3\n")


@pytest.mark.parametrize(
    "declared", ["klingon", "hex", "rot13", "idna", "punycode", "undefined", "zlib", "..", "a" * 40]
)
def test_a_coding_that_is_none_is_said(tmp_path: Path, declared: str) -> None:
    path = tmp_path / "x.py"
    path.write_bytes(f"# coding: {declared}\nx = 1\n".encode())
    assert f"declares a coding `{declared}`" in refused(path).en


def test_a_coding_that_the_text_is_not_in_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_bytes(b"# coding: gbk\nx = '\xff\xff'\n")
    assert "declares the coding gbk" in refused(path).en


# What is no submission.

DOCX = b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0" + b"\0" * 16 + b"[Content_Types].xmlword/document.xml"
NOT_SUBMISSIONS = {
    "zip": (b"PK\x03\x04 x.ipynb", "archive (zip)", "unpack"),
    "word": (DOCX, "Word", "copy the code"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3", "PDF", "hand in"),
    "png": (b"\x89PNG\r\n\x1a\n\0\0", "image", "hand in"),
    "jpeg": (b"\xff\xd8\xff\xe0\0\x10JFIF", "image", "hand in"),
    "gif": (b"GIF89a\x01\0", "image", "hand in"),
    "gzip": (b"\x1f\x8b\x08\0", "gzip", "unpack"),
    "tar": (b"x.ipynb".ljust(257, b"\0") + b"ustar\x0000", "archive (tar)", "unpack"),
    "rtf": (b"{\\rtf1\\ansi}", "rich text", "copy the code"),
    "page": (b"\n<!DOCTYPE html>\n<html>", "web page", "Download .ipynb"),
    "xml": (b'<?xml version="1.0"?><a/>', "web page", "Download .ipynb"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS", "git lfs pull"),
    "program": (b"\x7fELF\x02\x01\x01\0", "program", "hand in"),
    "zeros": (b"\0" * 64, "not text", "hand in"),
    "noise": (bytes(range(128, 256)), "not UTF-8", "save it as UTF-8"),
    "empty": (b"", "empty", "Save it again"),
    "blank": (codecs.BOM_UTF8 + b" \r\n\t\n", "empty", "Save it again"),
    "list": (b"[1, 2]", "no notebook", "hand in the notebook"),
    "object": (b'{"a": 1}', "no notebook", "hand in the notebook"),
    **{
        f"pickle {protocol}": (pickle.dumps({"w": [1.5, "x"]}, protocol), "pickle", "hand in")
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
    },
}


@pytest.mark.parametrize("name", ["weighted_sum.ipynb", "weighted_sum"])
@pytest.mark.parametrize("kind", NOT_SUBMISSIONS)
def test_what_is_no_submission_is_said_to_be_what_it_is(grade_file: Grade, kind: str, name: str) -> None:
    content, what, remedy = NOT_SUBMISSIONS[kind]
    report = grade_file(name, content)
    assert what in said(report).en
    assert remedy in said(report).en
    assert report.score == 0
    assert report.exercise == "weighted_sum"


def test_a_page_a_document_and_a_text_by_name(grade_file: Grade) -> None:
    assert "web page" in said(grade_file("weighted_sum.html", "<html>")).en
    assert (
        "jupytext --to ipynb" in said(grade_file("weighted_sum.md", "# Weighted sum\n```python\nimport torch\n```")).en
    )
    assert "neither a notebook nor Python" in said(grade_file("weighted_sum.txt", "I have solved it on paper.")).en


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_notebook_that_was_cut_off(grade_file: Grade, share: float) -> None:
    text = json.dumps(notebook(ANSWER, kernelspec={"name": "python3", "autosave": False}), indent=1)
    assert "ends in the middle of line" in said(grade_file("weighted_sum.ipynb", text[: int(len(text) * share)])).en


def test_a_notebook_that_was_cut_off_in_a_word(grade_file: Grade) -> None:
    text = json.dumps(notebook(ANSWER, autosave=False))
    cut = text[: text.index("false") + 3]
    assert "ends in the middle of line 1" in said(grade_file("weighted_sum.ipynb", cut)).en


def test_json_that_is_broken_elsewhere(grade_file: Grade) -> None:
    text = json.dumps(notebook(ANSWER), indent=1).replace('"cell_type"', "cell_type")
    assert "not valid JSON (line 4)" in said(grade_file("weighted_sum.ipynb", text)).en


CONFLICT = "<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> mine\n"


def test_a_conflict_in_a_script_and_in_a_cell(grade_file: Grade) -> None:
    both = "import torch\n" + CONFLICT.format(ANSWER, ANSWER)
    assert "in line 2:" in said(grade_file("weighted_sum.py", both)).en
    assert "line 2 of cell 2:" in said(grade_file("weighted_sum.ipynb", notebook(("markdown", "#"), both))).en
    assert "in line 4:" in said(grade_file("weighted_sum.py", f"import torch\n# %%\n{both}")).en
    assert "in line 1:" in said(grade_file("weighted_sum.ipynb", CONFLICT.format("{", "{ "))).en


def test_the_same_lines_in_a_string_are_no_conflict(grade_file: Grade) -> None:
    shown = f'text = """\n{CONFLICT.format("a", "b")}"""\n{ANSWER}'
    assert grade_file("weighted_sum.py", shown).passed
    assert grade_file("weighted_sum.ipynb", notebook(shown)).passed


@pytest.mark.parametrize("language", ["R", "julia"])
def test_a_notebook_of_another_language(grade_file: Grade, language: str) -> None:
    code = "f <- function(x) x" if language == "R" else "function f(x)\n  x\nend"
    named = {"kernelspec": {"name": "ir", "language": language}, "language_info": {"name": language}}
    assert f"another language, {language}" in said(grade_file("weighted_sum.ipynb", notebook(code, **named))).en
    bare = {"kernelspec": {"name": "ir" if language == "R" else "julia-1.10"}}
    assert "another language" in said(grade_file("weighted_sum.ipynb", notebook(code, **bare))).en
    assert grade_file("weighted_sum.ipynb", notebook(ANSWER, **named)).passed


def test_a_notebook_without_code(grade_file: Grade) -> None:
    for cells in ((), ("",), (("markdown", "# Weighted sum"),)):
        assert "no code in this file" in said(grade_file("weighted_sum.ipynb", notebook(*cells))).en


# An answer in a cell that is not code.


@pytest.mark.parametrize("text", [ANSWER, f"```python\n{ANSWER}```", "    " + ANSWER.replace("\n", "\n    ")])
@pytest.mark.parametrize("kind", ["markdown", "raw"])
def test_an_answer_in_a_cell_that_is_not_code(grade_file: Grade, kind: str, text: str) -> None:
    sentence = said(grade_file("weighted_sum.ipynb", notebook("import torch", (kind, "# Title"), (kind, text))))
    assert "stands in cell 3" in sentence.en
    assert ("raw cell" if kind == "raw" else "Markdown cell") in sentence.en


def test_an_answer_in_a_markdown_cell_of_a_script(grade_file: Grade) -> None:
    commented = "# %%\nimport torch\n# %% [markdown]\n" + "".join(f"# {line}\n" for line in ANSWER.splitlines())
    assert "(line 4)" in said(grade_file("weighted_sum.py", commented)).en


def test_text_about_an_answer_is_none(grade_file: Grade) -> None:
    about = ("markdown", "Write `weighted_sum(inputs, weights)`: weighted_sum = sum of products.")
    assert grade_file("weighted_sum.ipynb", notebook(about, ANSWER)).passed
    assert "stands in cell" not in said(grade_file("weighted_sum.ipynb", notebook(about, "x = 1"))).en


# Other formats, with their own tools as the judges.


def test_format_3_and_2_as_nbformat_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "x.ipynb"
    v3, v2 = nbformat.v3, nbformat.versions[2]
    texts = ("import torch\n\nx = 1", "def f():\n    return 1\n", "", "%time f()")
    three = v3.new_notebook(
        worksheets=[
            v3.new_worksheet(cells=[v3.new_text_cell("markdown", source="# a"), *(v3.new_code_cell(input=texts[0]),)]),
            v3.new_worksheet(cells=[v3.new_code_cell(input=text) for text in texts[1:]]),
        ]
    )
    two = v2.new_notebook(worksheets=[v2.new_worksheet(cells=[v2.new_code_cell(input=text) for text in texts])])
    for written in (v3.writes_json(three), v2.writes_json(two)):
        path.write_text(written)
        ours = [cell.source for cell in read_contents(path).code]
        theirs = [cell.source for cell in nbformat.reads(written, as_version=4).cells if cell.cell_type == "code"]
        assert ours == theirs
        assert len(ours) == 4


CELLS = [
    ("markdown", "# Title\n\nText with `code`"),
    ("code", "import torch\n\n\nx = 1"),
    ("code", "def f(a):\n    # %% no cell begins here\n    return a\n\n\ny = f(2)"),
    ("raw", "raw"),
    ("code", 'text = """\nline\n"""'),
    ("markdown", "last"),
    ("code", "z = x + y"),
]


@pytest.mark.parametrize("form", ["py:percent", "py:hydrogen", "py:light", "py:sphinx", "py:nomarker"])
def test_scripts_of_jupytext(tmp_path: Path, form: str) -> None:
    book = nbformat.from_dict(notebook(*CELLS))
    path = tmp_path / "x.py"
    path.write_text(jupytext.writes(book, form))
    cells = read_contents(path).code
    ours: dict[str, Any] = {}
    for cell in cells:
        exec(cell.source, ours)
    theirs: dict[str, Any] = {}
    exec("\n".join(text for kind, text in CELLS if kind == "code"), theirs)
    assert {name: ours[name] for name in "xyz"} == {name: theirs[name] for name in "xyz"}
    assert ours["text"] == theirs["text"]
    lines = path.read_text().split("\n")
    for cell in cells:
        assert lines[cell.line - 1 : cell.line - 1 + len(cell.source.split("\n"))] == cell.source.split("\n")
    if form in ("py:percent", "py:hydrogen"):
        assert [cell.source.strip() for cell in cells] == [text for kind, text in CELLS if kind == "code"]


def test_databricks_and_nbconvert(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text(
        "# Databricks notebook source\n# MAGIC %md\n# MAGIC # Title\n\n# COMMAND ----------\n\nx = 1\n\n"
        "# COMMAND ----------\n\n# MAGIC %pip install einops\n\n# COMMAND ----------\n\ny = 2\n"
    )
    assert [cell.source.strip() for cell in read_contents(path).code] == ["x = 1", "y = 2"]
    assert read_contents(path).cells[0].source.strip().endswith("# Title")
    path.write_text(
        "#!/usr/bin/env python\n# coding: utf-8\n\n# # Title\n\n# In[1]:\n\n\nx = 1\n\n\n# In[ ]:\n\n\ny = 2\n"
    )
    assert [cell.source.strip() for cell in read_contents(path).code] == ["x = 1", "y = 2"]


def test_a_magic_at_the_head_of_a_cell_stays_there(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text("# %%\n%%time\nx = 1\n# %%time\n# %% second\n!ls\n")
    assert [cell.source for cell in read_contents(path).code] == ["%%time\nx = 1\n# %%time", "!ls\n"]


def test_marks_inside_statements_split_nothing(grade_file: Grade) -> None:
    inside = ANSWER.replace("    return", "# %%\n    return")
    assert grade_file("weighted_sum.py", f'"""\n# %%\n{"#" * 30}\n"""\n{inside}').passed


def test_a_mark_below_a_decorator_splits_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text("import functools\n@functools.cache\n# %%\ndef g(): ...\n")
    assert len(read_contents(path).code) == 1


def test_a_cell_with_a_syntax_error_costs_no_other_cell(grade_file: Grade) -> None:
    assert grade_file("weighted_sum.py", f"# %%\nx = = 1\n# %%\n{ANSWER}").passed


MARIMO = '''import marimo

app = marimo.App(width="medium")

with app.setup:
    import torch


@app.cell(hide_code=True)
def _(double, scale, text):
    @staticmethod
    def weighted_sum(inputs, weights):
        """A sum.

    Of products.
        """
        return double(inputs * weights[..., None]).sum(dim=1) * scale
    len(text)
    return (weighted_sum,)


@app.cell
def _():
    scale = 0.5
    text = """
  not indented"""
    return scale, text


@app.function
def double(x):
    return 2 * x


@app.cell
def _(): return


app._unparsable_cell(
    r"""
    x = = 1
    """,
    name="_"
)

if __name__ == "__main__":
    app.run()
'''


def test_the_cells_of_marimo(tmp_path: Path, grade_file: Grade) -> None:
    path = tmp_path / "x.py"
    path.write_text(MARIMO)
    sources = [cell.source for cell in read_contents(path).code]
    assert len(sources) == 6
    scope: dict[str, Any] = {}
    for source in sources:
        if "= =" not in source:
            exec(source, scope)
    assert scope["text"] == "\n  not indented"
    assert "Of products." in scope["weighted_sum"].__doc__
    assert grade_file("weighted_sum.py", MARIMO.replace("    @staticmethod\n", "")).passed


def test_a_script_that_only_speaks_of_marimo_is_one(grade_file: Grade) -> None:
    assert grade_file("weighted_sum.py", f"try:\n    import marimo\nexcept ImportError:\n    pass\n{ANSWER}").passed


# Newer Python.

NEWER = {
    'x = f"d is {info["d"]}"': (3, 12),
    "x = f'{info['d']!r:>{info['w']}}'": (3, 12),
    'x = f"{"\\n".join(a)}"': (3, 12),
    'x = f"{a["b"]=}" "c" f"{{}}"  # f"': (3, 12),
    'f"""{\n a["x"]  # hey "\n}"""': (3, 12),
    'x = f"\\N{EM DASH} {a["b"]}"': (3, 12),
    "type X = int": (3, 12),
    "type X[T] = list[T]": (3, 12),
    "def f[T](x: T) -> T:\n    return x": (3, 12),
    "class A[T: (int, str)](B):\n    async def f[U](self): ...": (3, 12),
    "try:\n    pass\nexcept A, b.B:\n    pass": (3, 14),
    'x = t"a{b}"': (3, 14),
}
NOT_NEWER = [
    "x = 1",
    "def f(:",
    'f"{x +}"',
    'f"{}{a["b"]}"',
    "f'{x",
    'print(f"abc)',
    "x = f'{a[}'",
    "x = y z",
    "type = 3",
]


@pytest.mark.parametrize("code", NEWER)
def test_newer_python_is_recognised(code: str) -> None:
    expected = NEWER[code] if NEWER[code] > sys.version_info[:2] else None
    assert needed_version(code, parse) == expected
    if sys.version_info >= NEWER[code]:
        assert parse(code) is not None  # what this test believes of Python is so
    elif expected:
        assert needed_version(f"{code}\nx = = 1", parse) is None


@pytest.mark.parametrize("code", NOT_NEWER)
def test_an_error_is_no_newer_python(code: str) -> None:
    assert needed_version(code, parse, (3, 11)) is None


@pytest.mark.parametrize(
    "code",
    [
        *('f"{' * 60_000, 'f"{x ' * 40_000, 'f"{#\n' * 40_000, "f'{(((" * 33_000, "def f" + "[" * 199_000),
        *(
            "def f[" + "[a]" * 60_000,
            "except a" + ", a" * 60_000,
            "type x" + " " * 190_000,
            '"' * 199_999,
            '"""' * 66_001,
        ),
    ],
    ids=range(10),
)
def test_hostile_text_is_looked_at_in_bounded_time(code: str) -> None:
    started = time.process_time()
    assert needed_version(code, parse, (3, 11)) is None
    assert time.process_time() - started < 5


def notes(path: Path, targets: tuple[str, ...]) -> list[str]:
    return [note.message.en for note in notes_on(read_submission(path), targets)]


def test_what_is_said_beside_a_grade(tmp_path: Path) -> None:
    path = tmp_path / "x.ipynb"
    newer = {"language_info": {"name": "python", "version": "3.99.1"}}
    conflict = CONFLICT.format("a = 1", "a = 2")
    path.write_text(json.dumps(notebook(ANSWER, conflict, "x = = 1", ("markdown", SOFTMAX), **newer)))
    written, merge, elsewhere = notes(path, ("weighted_sum", "masked_softmax"))
    assert "written with Python 3.99; this grader runs" in written
    assert "line 1 of cell 2" in merge
    assert "`masked_softmax` stands in cell 4" in elsewhere
    path.write_text(json.dumps(notebook(ANSWER, ("markdown", SOFTMAX), **newer)))
    assert notes(path, ("weighted_sum",)) == []


def test_metadata_that_name_another_exercise_than_the_file_are_noted(session: Session, tmp_path: Path) -> None:
    noted: list[Note] = []
    grader = session.grader("weighted_sum")
    path = tmp_path / "weighted_sum.ipynb"
    path.write_text(json.dumps(notebook(ANSWER, SOFTMAX, attention_workshop={"exercise": "masked_softmax"})))

    def graded(submission: Submission) -> Report:
        noted.extend(submission.notes)
        return type(grader).grade_cells(grader, submission)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grader, "grade_cells", graded)
        assert session.grade(Work(path, path.name, notes=(Note(Text("first", "first")),))).passed
    said_first, metadata, also = (note.message.en for note in noted)
    assert said_first == "first"
    assert "name the exercise masked_softmax; it is graded for weighted_sum" in metadata
    assert "holds an answer to masked_softmax" in also


# Folders.


def test_what_was_passed_over_is_named_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text(json.dumps(notebook(ANSWER)))
    (tmp_path / "page.html").write_text("<html>")
    (tmp_path / "data.json").write_text('{"a": 1}')
    (tmp_path / "readme.txt").write_text("hello")
    (tmp_path / "figure.png").write_bytes(b"\x89PNG\r\n\x1a\n\0")
    for folder in (".ipynb_checkpoints", "__pycache__", ".git"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "b.ipynb").write_text("{}")
    os.symlink(tmp_path, tmp_path / "around")
    os.symlink(tmp_path / "a.ipynb", tmp_path / "link")
    os.mkfifo(tmp_path / "pipe")
    found = find([tmp_path])
    assert [work.path.name for work in found.work] == ["a.ipynb"]
    reasons = {item.path.name: item.reason.en for item in found.passed_over}
    for name, words in {
        "page.html": "web page",
        "data.json": "neither",
        "readme.txt": "neither",
        "figure.png": "image",
        ".ipynb_checkpoints": "Jupyter",
        "__pycache__": "Python keeps",
        ".git": "hidden",
        "around": "symbolic link",
        "link": "symbolic link",
        "pipe": "not a regular file",
    }.items():
        assert words in reasons.pop(name)
    assert not reasons


def test_of_copies_the_newest_counts(tmp_path: Path) -> None:
    names = ("x.ipynb", "x-Copy1.ipynb", "x (1).ipynb", "y.ipynb")
    for name in names:
        (tmp_path / name).write_text(json.dumps(notebook(ANSWER)))
        os.utime(tmp_path / name, ns=(0, 1_000_000_000))
    assert [work.path.name for work in find([tmp_path]).work if work.counts] == ["x.ipynb", "y.ipynb"]
    os.utime(tmp_path / "x (1).ipynb", ns=(0, 1_000_000_001))
    found = {work.path.name: work for work in find([tmp_path]).work}
    assert {name for name, work in found.items() if not work.counts} == {"x.ipynb", "x-Copy1.ipynb"}
    assert "x (1).ipynb counts" in found["x.ipynb"].notes[0].message.en
    assert "x (1).ipynb" in found["x-Copy1.ipynb"].notes[0].message.zh
    assert "this one counts" in found["x (1).ipynb"].notes[0].message.en
    assert found["y.ipynb"].notes == ()


def test_numbered_files_and_other_students_folders_are_no_copies(tmp_path: Path) -> None:
    for name in ("student_1.py", "student_2.py", "ann/x.py", "ben/x.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(ANSWER)
    assert all(work.counts and not work.notes for work in find([tmp_path]).work)


def test_what_was_passed_over_is_counted_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(SHOWN + 2):
        (tmp_path / f"{number:02}\nx.html").write_text("<html>")
    list_passed_over(find([tmp_path]).passed_over, "en")
    title, *lines, more = capsys.readouterr().err.splitlines()
    assert title == f"{SHOWN + 2} more in these folders, not graded:"
    assert len(lines) == SHOWN
    assert "00 x.html: This is a web page" in lines[0]
    assert more == "  …"
    list_passed_over([], "en")
    assert capsys.readouterr().err == ""


# Hostile files.


def test_a_bomb_is_not_unpacked(tmp_path: Path, grade_file: Grade) -> None:
    bomb = tmp_path / "bomb"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.ipynb", "0" * 2**26)
    started = time.process_time()
    assert "archive (zip)" in said(grade_file("weighted_sum.ipynb", bomb.read_bytes())).en
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"nbformat": 4, "cells": ' + "[" * 200_000, "nested too deeply"),
        ('{"nbformat": ' + "1" * 5000 + "}", "a number too long"),
        ('{"worksheets": 3}', "no list of cells"),
        ('{"cells": {}, "worksheets": [1, null, {"cells": 2}]}', "no code"),
        ('{"nbformat": 4, "cells": [null, 1, {"cell_type": [], "source": {}}]}', "no code"),
    ],
    ids=range(5),
)
def test_hostile_json_is_a_sentence(grade_file: Grade, text: str, words: str) -> None:
    assert words in said(grade_file("weighted_sum.ipynb", text)).en


def test_too_much_is_a_sentence_in_both_languages(grade_file: Grade) -> None:
    assert "more code here" in said(grade_file("weighted_sum.py", "x = 1\n" * 40_000)).en
    assert "clear the outputs" in said(grade_file("weighted_sum.ipynb", " " * (21 * 2**20))).en


def test_a_script_of_marks_is_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    for text in ("#%%\nx=1\n" * 20_000, "# %% [markdown]\n# x\n" * 390, "%%\n" * 60_000):
        path.write_text(text)
        started = time.process_time()
        read_submission(path)
        assert time.process_time() - started < 5


PIECES = st.sampled_from(
    [
        *("# %%\n", "# %% [markdown]\n", "# +\n", "# -\n", "#" * 24 + "\n", "# COMMAND ----------\n", "# In[3]:\n"),
        *("# MAGIC %md x\n", "# text\n", '"""\n', "x = 1\n", "def f():\n", "    return x\n", "%%time\n", "!ls\n", "\n"),
        *(
            "import marimo\n",
            "app = marimo.App()\n",
            "@app.cell\n",
            "def _(x):\n",
            "    y = '''\n a'''\n",
            "    return (y,)\n",
        ),
        *(
            "with app.setup:\n",
            "    import os\n",
            "app._unparsable_cell('x = =')\n",
            "<<<<<<< a\n",
            "=======\n",
            "λ\0\n",
        ),
    ]
)


@QUICK
@given(pieces=st.lists(PIECES, max_size=25), coding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gbk"]))
def test_any_script_is_read_or_refused(tmp_path: Path, pieces: list[str], coding: str) -> None:
    path = tmp_path / "x.py"
    path.write_bytes("".join(pieces).encode(coding, errors="replace"))
    contents = answer(read_contents, path)
    if isinstance(contents, Text):
        return
    lines = "".join(pieces).split("\n")
    for cell in contents.code:
        assert 1 <= cell.line <= len(lines)
        assert isinstance(cell.source, str)
    if "import marimo\n" not in pieces:  # nothing that is not a comment is lost, and nothing is said twice
        kept = [line for cell in contents.code for line in cell.source.split("\n")]
        code = [line for line in lines if line.strip() and not line.startswith("#")]
        assert [line for line in kept if line.strip() and not line.startswith("#")] == code


@QUICK
@given(
    content=st.binary()
    | st.builds(lambda mark, rest: mark + rest, st.sampled_from([b"\xff\xfe", b"# coding: "]), st.binary())
)
def test_any_bytes_are_text_or_refused(content: bytes) -> None:
    found = answer(decode, content)
    assert isinstance(found, Text) or "\r" not in found


@QUICK
@given(code=st.text(alphabet="fF{}[]()!:=\"'\\#t x\n,", max_size=60))
def test_any_text_is_newer_python_or_not(code: str) -> None:
    needed = needed_version(code, parse, (3, 11))
    assert needed in (None, (3, 12), (3, 14))
    if needed:
        assert sys.version_info >= needed or parse(code) is None


@QUICK
@given(
    book=st.fixed_dictionaries(
        {"worksheets": st.lists(st.fixed_dictionaries({"cells": st.lists(
            st.fixed_dictionaries({}, optional={
                "cell_type": st.sampled_from(["code", "markdown", "heading", "html", 3]),
                "input": st.text() | st.lists(st.text() | st.integers(), max_size=3) | st.none(),
                "source": st.text() | st.lists(st.text(), max_size=3),
            }) | st.integers(), max_size=4) | st.none()}) | st.text(), max_size=3)},
        optional={"cells": st.just([]) | st.none(), "nbformat": st.integers() | st.text(), "metadata": st.integers()},
    )
)  # fmt: skip
def test_any_old_notebook_is_read_or_refused(tmp_path: Path, book: dict[str, Any]) -> None:
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps(book))
    found = answer(read_contents, path)
    assert isinstance(found, Text) or all(isinstance(cell.source, str) for cell in found.cells)


# What is handed out.


def test_the_handed_out_notebooks_say_that_they_are_python(course: LocatedCourse) -> None:
    for _, entry in course.course.entries():
        book = json.loads(course.release(entry.id).read_text(encoding="utf-8"))
        assert book["metadata"]["language_info"]["file_extension"] == ".py", entry.id
