"""Begins an interview: draws its questions, writes the notebook that they are answered in, and starts the clock."""

from __future__ import annotations

import ast
import random
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import nbformat

from grader.desk.desk import NO_WORKSPACE, Desk, DeskError
from grader.desk.draw import Level, draw
from grader.desk.files import write_whole
from grader.desk.interview import Interview, begin
from grader.desk.standing import Standing
from grader.handout.learner import as_notebook, as_script, question
from grader.submission.names import INTERVIEWS
from grader.submission.statics import definitions
from grader.text import Text

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from grader.course.script import Script
    from grader.report.model import Language

_HEAD = Text(
    "# Interview\n\n{questions} in {minutes} minutes, until {until}.\n\n"
    "Run code as you like. There are no hints and no checks before you hand in; then come the interviewer's questions.",
    "# 面试\n\n{questions}，{minutes} 分钟，到 {until} 为止。\n\n"
    "代码可以随意运行。交卷之前没有提示，也不能检查；交卷之后，面试官会追问。",
)
_HAND_IN = Text("## When you are done\n\nRun this cell to hand in.", "## 完成之后\n\n运行此单元交卷。")
_SAVE = Text(
    "## When you are done\n\nSave this file, and say `attn interview --hand-in`.",
    "## 完成之后\n\n保存此文件，然后运行 `attn interview --hand-in`。",
)
HOW = Text("To hand in: attn interview --hand-in", "交卷：attn interview --hand-in")
_CALL = "from grader import hand_in\n\nhand_in()"


def sit(at: Desk, minutes: int, topic: str | None = None, level: Level | None = None) -> Interview:
    """Begin an interview.

    Raises:
        DeskError: there is no workspace to put it in, or no solutions here.
        NothingFitsError: no question is what was asked for.
        ExerciseError: an author's file is missing or wrong.
        OSError: it cannot be written.
    """
    if at.workspace is None:
        raise DeskError(NO_WORKSPACE)

    chance = random.Random()
    questions = draw(at.standings(), minutes, topic, level, lambda exercise: names_in(at.script(exercise)), chance)
    now = datetime.now()
    scripts = at.workspace.scripts
    path = at.workspace.folder / INTERVIEWS / f"{now:%Y-%m-%d_%H-%M-%S}{'.py' if scripts else '.ipynb'}"
    path.parent.mkdir(exist_ok=True)
    notebook = _sheet(at, questions, minutes, now + timedelta(minutes=minutes))
    write_whole(path, as_script(notebook) if scripts else nbformat.writes(notebook) + "\n")
    return begin(at.progress, path, minutes, tuple(one.entry.id for one in questions))


def _sheet(at: Desk, questions: Sequence[Standing], minutes: int, until: datetime) -> NotebookNode:
    assert at.workspace is not None
    language, scripts = at.workspace.language, at.workspace.scripts
    head = _HEAD.format(questions=how_many(len(questions)), minutes=minutes, until=f"{until:%H:%M}")
    cells = [nbformat.v4.new_markdown_cell(getattr(head, language))]
    for number, one in enumerate(questions, 1):
        title = f"## {number}. {getattr(one.entry.title, language)}"
        cells += [nbformat.v4.new_markdown_cell(title), *question(at.script(one.entry.id), language)]
    cells.append(nbformat.v4.new_markdown_cell(getattr(_SAVE if scripts else _HAND_IN, language)))
    if not scripts:
        cells.append(nbformat.v4.new_code_cell(_CALL))
    return as_notebook(cells, str(time.time()), {})


def names_in(script: Script) -> set[str]:
    """The functions and classes in what is handed out."""
    return {
        name
        for name, statements in definitions(script.handed_out).items()
        if any(isinstance(statement, ast.FunctionDef | ast.ClassDef) for statement in statements)
    }


def how_many(questions: int) -> Text:
    """So many questions."""
    return Text(f"{questions} question{'s' * (questions != 1)}", f"{questions} 道题")


def announced(at: Desk, interview: Interview, language: Language, link: str) -> str:
    """What is asked, until when, and how to hand in; as Markdown."""
    lines = [
        Text(
            f"**Interview: {how_many(len(interview.exercises)).en}, until {interview.until:%H:%M}.**",
            f"**面试：{how_many(len(interview.exercises)).zh}，到 {interview.until:%H:%M} 为止。**",
        )
    ]
    found = at.standings()
    for number, exercise in enumerate(interview.exercises, 1):
        entry = found.of(exercise).entry
        lines.append(
            Text(
                f"{number}. {entry.title.en} ({entry.minutes} min) {entry.stars}",
                f"{number}. {entry.title.zh}（{entry.minutes} 分钟）{entry.stars}",
            )
        )
    rules = Text(
        "Run code as you like; no hints and no checks before you hand in.",
        "代码可以随意运行；交卷之前没有提示，也不能检查。",
    )
    said = [str(getattr(line, language)) for line in lines]
    return "\n\n".join([said[0], "\n".join(said[1:]), link, str(getattr(rules, language))])
