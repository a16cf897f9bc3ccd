"""``attn list``, ``next``, ``progress``: the course as it stands, for people and, with ``--json -``, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from grader.cli.app import app
from grader.cli.common import LangOption, fail, said
from grader.cli.desk import Json, agreed, desk, say_trouble, shown, somebody_there, write

if TYPE_CHECKING:
    from rich.console import Console

    from grader.desk.desk import Desk
    from grader.desk.standing import Standing, Standings
    from grader.report.model import Language

_MINUTES = {"en": "min", "zh": "分钟"}


@app.command("list")
def list_exercises(json_file: Json = None, lang: LangOption = "en") -> None:
    """List the exercises in the order of the course: state, score, minutes, difficulty, title."""
    from rich.console import Console

    at = desk()
    found = at.standings()
    if json_file:
        write([_as_data(at, standing) for standing in found], json_file)
    else:
        console, assignment = Console(), None
        for standing in found:
            if console.is_terminal and standing.assignment is not assignment:
                assignment = standing.assignment
                console.print(getattr(assignment.title, lang), style="bold")
            print_line(console, _line(found, standing, lang), standing)
    say_trouble(at)


@app.command("next")
def next_exercise(json_file: Json = None, lang: LangOption = "en") -> None:
    """Say what to do next: what you began last, or else the first exercise that is ready to be done."""
    at = desk()
    following = at.standings().next
    if json_file:
        write(_as_data(at, following) if following else None, json_file)
    else:
        print("\n".join(_where_to_go(at, following, lang)))
    say_trouble(at)


@app.command()
def progress(
    json_file: Json = None,
    export: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="Write all that is recorded of you, as JSON.", show_default=False),
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete all that is recorded of you.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    lang: LangOption = "en",
) -> None:
    """Show what you have done: the course as a map, minutes, days in a row, mistakes that you keep making."""
    at = desk()
    if export:
        _export(at, export)
    elif delete:
        _delete(at, yes)
    elif json_file:
        write(_summary(at), json_file)
    else:
        _print_progress(at, lang)
    say_trouble(at)


def show_where(lang: Language) -> None:
    """Where the learner is, and what is next."""
    from grader.desk.desk import NO_WORKSPACE
    from grader.text import Text

    at = desk()
    found = at.standings()
    count = f"{found.passed}/{len(found.all)}"
    print(said(Text(f"{found.passed} of {len(found.all)} exercises passed.", f"已通过 {count} 道习题。")))
    print("\n".join(_where_to_go(at, found.next, lang)))
    if at.workspace is None:
        print(said(NO_WORKSPACE))
    more = Text("`attn --help` lists the commands.", "`attn --help` 列出所有命令。")
    print(said(more))
    say_trouble(at)


def print_line(console: Console, text: str, standing: Standing) -> None:
    """A line, coloured by the state of its exercise where colours are shown; never cut off."""
    style = {"passed": "green", "begun": "yellow", "new": ""}[standing.state]
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def _line(found: Standings, standing: Standing, lang: Language) -> str:
    from grader.desk.standing import MARKS

    width = max(len(one.entry.id) for one in found)
    entry = standing.entry
    columns = (
        f"{entry.id:<{width}}",
        f"{MARKS[standing.state]} {standing.best:<8}",
        f"{entry.minutes:>2} min",
        entry.stars,
    )
    return f"{' '.join(columns)} {getattr(entry.title, lang)}"


def _where_to_go(at: Desk, following: Standing | None, lang: Language) -> list[str]:
    from grader.desk.desk import DeskError
    from grader.text import Text

    if following is None:
        return [said(Text("Every exercise is passed.", "所有习题都已通过。"))]
    entry = following.entry
    lines = [
        said(
            Text(
                f"Next: {entry.id} · {entry.title.en} ({entry.minutes} min)",
                f"下一题：{entry.id} · {entry.title.zh}（{entry.minutes} 分钟）",
            )
        )
    ]
    try:
        lines.append(f"  {shown(at.file(entry.id))}")
    except DeskError:
        pass
    else:
        lines.append(f"  attn check {entry.id}")
    return lines


def _as_data(at: Desk, standing: Standing) -> dict[str, Any]:
    from grader.desk.desk import DeskError

    entry = standing.entry
    try:
        file: str | None = str(at.file(entry.id))
    except DeskError:
        file = None
    return {
        "exercise": entry.id,
        "assignment": standing.assignment.id,
        "title": {"en": entry.title.en, "zh": entry.title.zh},
        "minutes": entry.minutes,
        "difficulty": entry.difficulty,
        "needs": list(entry.needs),
        "state": standing.state,
        "score": standing.score,
        "max_score": entry.points,
        "checks": standing.checks,
        "hints": standing.hints,
        "solution_seen": standing.solution_seen,
        "passed_at": standing.passed_at,
        "minutes_spent": round(standing.seconds / 60, 1),
        "ticked": sorted(standing.ticked),
        "file": file,
    }


def _summary(at: Desk) -> dict[str, Any]:
    found = at.standings()
    return {
        "passed": found.passed,
        "of": len(found.all),
        "next": found.next.entry.id if found.next else None,
        "minutes": round(found.minutes, 1),
        "streak": found.streak(),
        "mistakes": [
            {"mistake": slug, "times": times, "exercises": list(where)} for slug, times, where in found.mistakes()
        ],
        "exercises": [_as_data(at, standing) for standing in found],
    }


def _print_progress(at: Desk, lang: Language) -> None:
    from itertools import groupby

    from rich.console import Console

    from grader.desk.map import AGAIN, made_again, summary
    from grader.desk.standing import MARKS
    from grader.text import Text

    console, found = Console(), at.standings()
    console.print(said(summary(found)), style="bold", highlight=False, soft_wrap=True)
    for assignment, group in groupby(found, lambda standing: standing.assignment):
        marks = "".join(MARKS[standing.state] for standing in group)
        console.print(f"  {marks:<9} {getattr(assignment.title, lang)}", highlight=False, soft_wrap=True)
    for standing in found:
        if standing.ticked:
            title, of = getattr(standing.entry.title, lang), f"{standing.entry.written:g}"
            ticks = Text(
                f"{len(standing.ticked)} of {of} points of your own review", f"自评 {len(standing.ticked)}/{of}"
            )
            console.print(f"  {title}: {said(ticks)}", markup=False, highlight=False, soft_wrap=True)
    again = made_again(found, at.sentences(slug for slug, _, _ in found.mistakes()))
    if again:
        console.print(said(AGAIN), style="bold")
        for text in again:
            console.print(f"  {said(text)}", markup=False, highlight=False, soft_wrap=True)
    print("\n".join(_where_to_go(at, found.next, lang)))


def _export(at: Desk, where: str) -> None:
    import json

    from grader.text import Text

    write(json.loads(at.progress.export()), where)
    if where != "-":
        print(said(Text(f"All that is recorded of you is in {where}.", f"关于你的全部记录已写入 {where}。")))


def _delete(at: Desk, yes: bool) -> None:
    from grader.text import Text

    count = len(at.progress.records())
    if somebody_there():
        question = Text(
            f"All {count} records of your progress are deleted, for good. Your files stay.",
            f"即将永久删除全部 {count} 条进度记录。你的文件会保留。",
        )
        agreed(question, yes, "attn progress --delete --yes")
    try:
        at.progress.delete()
    except OSError as error:
        fail(Text(f"{at.progress.path} cannot be changed: {error}.", f"无法修改 {at.progress.path}：{error}。"))
    at.progress.trouble = None
    at.keep_page()
    print(said(Text(f"{count} records deleted.", f"已删除 {count} 条记录。")))
