"""``attn progress``: what a learner has done; exported, and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from grader.cli.app import app
from grader.cli.common import LangOption, fail, said
from grader.cli.desk import Json, Yes, agreed, desk, say_trouble, somebody_there, write
from grader.cli.learn import as_data, where_to_go

if TYPE_CHECKING:
    from grader.desk.desk import Desk
    from grader.report.model import Language


@app.command()
def progress(
    json_file: Json = None,
    export: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="Write all that is recorded of you, as JSON.", show_default=False),
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete all that is recorded of you.")] = False,
    yes: Yes = False,
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


def _summary(at: Desk) -> dict[str, Any]:
    from dataclasses import asdict

    found = at.standings()
    return {
        "passed": found.passed,
        "of": len(found.all),
        "next": found.next.entry.id if found.next else None,
        "minutes": round(found.minutes, 1),
        "streak": found.streak(),
        "due": [one.exercise for one in found.due()],
        "mistakes": [
            {"mistake": slug, "times": times, "exercises": list(where)} for slug, times, where in found.mistakes()
        ],
        "interviews": [asdict(card) for card in found.interviews],
        "exercises": [as_data(at, found, standing) for standing in found],
    }


def _print_progress(at: Desk, lang: Language) -> None:
    from itertools import groupby

    from rich.console import Console

    from grader.desk.map import AGAIN, HELD, MOST_HELD, held, last_days, made_again, summary
    from grader.desk.standing import MARKS
    from grader.text import Text

    console, found = Console(), at.standings()
    console.print(said(summary(found)), style="bold", highlight=False, soft_wrap=True)
    console.print(f"  {last_days(found)}", highlight=False)
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
    if found.interviews:
        console.print(said(HELD), style="bold")
        for card in found.interviews[:MOST_HELD]:
            console.print(f"  {said(held(card))}", highlight=False, soft_wrap=True)
    again = made_again(found, at.sentences(found.slugs))
    if again:
        console.print(said(AGAIN), style="bold")
        for text in again:
            console.print(f"  {said(text)}", markup=False, highlight=False, soft_wrap=True)
    print("\n".join(where_to_go(at, found)))


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
