"""``attn``, ``attn list``, ``next``: the course as it stands, for people and, with ``--json -``, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grader.cli.app import app
from grader.cli.common import LangOption, said
from grader.cli.desk import Json, desk, say_trouble, shown, write

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
        write([as_data(at, found, standing) for standing in found], json_file)
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
    """Say what to do next: what you began last, or else the first exercise that is left."""
    at = desk()
    found = at.standings()
    if json_file:
        write(as_data(at, found, found.next) if found.next else None, json_file)
    else:
        print("\n".join(where_to_go(at, found)))
    say_trouble(at)


def show_where(lang: Language) -> None:
    """Where the learner is, and what is next."""
    from grader.desk.desk import NO_WORKSPACE
    from grader.text import Text

    at = desk()
    found = at.standings()
    count = f"{found.passed}/{len(found.all)}"
    print(said(Text(f"{found.passed} of {len(found.all)} exercises passed.", f"已通过 {count} 道习题。")))
    print("\n".join(where_to_go(at, found)))
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


def where_to_go(at: Desk, found: Standings) -> list[str]:
    """What is to be repeated, then what is next, its file, and how to check it, a line each."""
    from grader.desk.desk import DeskError
    from grader.text import Text

    due, following = found.due(), found.next
    lines = []
    if due:
        names = [one.exercise for one in due]
        again = Text(
            f"To repeat today (attn review): {', '.join(names)}", f"今天需要重做（attn review）：{'、'.join(names)}"
        )
        lines.append(said(again))
    if following is None:
        return [*lines, said(Text("Every exercise is passed.", "所有习题都已通过。"))]
    entry = following.entry
    lines.append(
        said(
            Text(
                f"Next: {entry.id} · {entry.title.en} ({entry.minutes} min)",
                f"下一题：{entry.id} · {entry.title.zh}（{entry.minutes} 分钟）",
            )
        )
    )
    try:
        lines.append(f"  {shown(at.file(entry.id))}")
    except DeskError:
        pass
    else:
        lines.append(f"  attn check {entry.id}")
    return lines


def after_passing(at: Desk, exercise: str) -> list[str]:
    """What is said at full marks: how far one is, what is next, and where the interviewer's questions are."""
    from grader.desk.standing import what_is_next
    from grader.text import Text

    more = Text("what the interviewer asks next", "面试官接下来会问什么")
    return [
        said(what_is_next(at.standings())),
        said(Text("attn discuss {name}: {more}", "attn discuss {name}：{more}").format(name=exercise, more=more)),
    ]


def as_data(at: Desk, found: Standings, standing: Standing) -> dict[str, Any]:
    """An exercise, and how the learner stands in it, for programs."""
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
        "due": next((one.on.isoformat() for one in found.schedule if one.exercise == entry.id), None),
        "file": file,
    }
