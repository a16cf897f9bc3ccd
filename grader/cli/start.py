"""``attn start`` and ``attn reset``: a workspace of the learner's own, and an exercise begun anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli.app import app
from grader.cli.common import LangOption, course, fail, said, usage_error
from grader.cli.desk import Exercise, Yes, agreed, desk, exercise_of, say_trouble, shown

if TYPE_CHECKING:
    from grader.desk.desk import Desk
    from grader.desk.workspace import Workspace

NAME = "attention-workshop"
"""Of the folder that is made where none is named."""


@app.command()
def start(
    context: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help=f"The folder; {NAME} when none is named.", show_default=False),
    ] = None,
    scripts: Annotated[bool, typer.Option("--scripts", help="Exercises as .py files, for an editor.")] = False,
    lang: LangOption = "en",
) -> None:
    """Make a workspace: a folder of your own with every exercise in it. Again: add what is new, change no work."""
    from grader.course.errors import ExerciseError
    from grader.course.script import jupytext
    from grader.desk import workspace
    from grader.desk.desk import HOSTED, Desk
    from grader.submission.names import START_PAGE
    from grader.text import Text

    located = course()
    first = next(entry.id for _, entry in located.course.entries())
    if not located.solution(first).is_dir():
        usage_error(HOSTED)
    around = workspace.find(Path.cwd())
    place = folder.absolute() if folder else around.folder if around else Path.cwd() / NAME
    there = workspace.find(place)
    mine = there if there and there.folder == place else workspace.Workspace(place, lang, scripts)
    if scripts and not mine.scripts:
        usage_error(
            Text(
                f"{place} is a workspace of notebooks; make one of scripts in another folder.",
                f"{place} 是笔记本工作区；请在另一个文件夹中建立脚本工作区。",
            )
        )
    source = context.get_parameter_source("lang")
    if source is not None and source.name == "COMMANDLINE":
        mine.language = lang
    jupytext()  # imports nbformat, too, without the slow part of it
    from grader.desk.start import fill

    try:
        filled = fill(mine, located)
    except ExerciseError as error:
        fail(str(error))
    except OSError as error:
        fail(Text(f"{place} cannot be written: {error}.", f"无法写入 {place}：{error}。"))
    at = Desk(located, place)
    at.keep_page()
    _say(place, filled.added, filled.renewed, filled.left)
    following = at.standings().next
    if following:
        print(
            said(Text("Open {page} in Jupyter, or begin with", "在 Jupyter 中打开 {page}，或者从这里开始：")).format(
                page=shown(place / START_PAGE)
            ),
            shown(at.file(following.entry.id)),
        )
    say_trouble(at)


def _say(place: Path, added: list[str], renewed: list[str], left: list[str]) -> None:
    from grader.text import Text

    lines = [Text(f"{len(added)} exercises added to {place}.", f"已向 {place} 加入 {len(added)} 道习题。")]
    if renewed:
        lines.append(
            Text(
                f"Renewed, as nobody had worked in them: {', '.join(renewed)}.",
                f"已更新（其中没有你的作答）：{'、'.join(renewed)}。",
            )
        )
    if left:
        lines.append(
            Text(
                f"Left as they are, with your work in them: {len(left)}.",
                f"保留原样（其中有你的作答）：{len(left)} 道。",
            )
        )
    for line in lines:
        print(said(line))


@app.command()
def reset(exercise: Exercise, yes: Yes = False, lang: LangOption = "en") -> None:
    """Begin an exercise anew; a dated copy of your file is kept."""
    from grader.desk.desk import NO_WORKSPACE
    from grader.text import Text

    at = desk()
    name = exercise_of(at, exercise)
    if at.workspace is None:
        usage_error(NO_WORKSPACE)
    question = Text(
        f"{name} will be as it was handed out; a copy of your file is kept.",
        f"{name} 将恢复为最初的样子；你的文件会保留一份副本。",
    )
    agreed(question, yes, f"attn reset {name} --yes")
    begin_anew(at, at.workspace, name)
    say_trouble(at)


def begin_anew(at: Desk, workspace: Workspace, name: str) -> None:
    """Put an exercise's file back as it was handed out, keep a copy, and say where both are."""
    from grader.course.errors import ExerciseError
    from grader.course.script import jupytext
    from grader.text import Text

    jupytext()
    from grader.desk.start import reset

    try:
        path, copy = reset(workspace, at.located, name)
    except ExerciseError as error:
        fail(str(error))
    except OSError as error:
        fail(Text(f"{name} cannot be reset: {error}.", f"无法重置 {name}：{error}。"))
    at.progress.add("reset", name)
    at.keep_page()
    print(said(Text(f"{shown(path)} is as it was handed out.", f"{shown(path)} 已恢复为最初的样子。")))
    if copy:
        print(said(Text(f"What was there: {shown(copy)}", f"原来的内容：{shown(copy)}")))
