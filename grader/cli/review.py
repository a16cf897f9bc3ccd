"""``attn review``: what is to be repeated today, and begins the first of it anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.cli.app import app
from grader.cli.common import LangOption, said
from grader.cli.desk import Json, Yes, desk, goes_on, say_trouble, somebody_there, write
from grader.cli.start import begin_anew

if TYPE_CHECKING:
    from grader.desk.standing import Standings
    from grader.text import Text


@app.command()
def review(yes: Yes = False, json_file: Json = None, lang: LangOption = "en") -> None:
    """Say what is due to be repeated: what you got wrong, gave up, or might forget; and begin the first anew.

    Answers are put aside in kept/. In a pipe, --yes begins it; without, only the list is printed.
    """
    from grader.text import Text

    at = desk()
    found = at.standings()
    due = found.due()
    if json_file:
        data = [
            {"exercise": one.exercise, "due": one.on.isoformat(), "why": one.why, "mistakes": list(one.mistakes)}
            for one in due
        ]
        write(data, json_file)
    elif not due:
        print(said(_nothing(found)))
    else:
        from grader.desk.map import why

        sentences = at.sentences(found.slugs)
        for one in due:
            entry = found.of(one.exercise).entry
            line = Text(
                f"{entry.id} · {entry.title.en} ({entry.minutes} min): {{why}}",
                f"{entry.id} · {entry.title.zh}（{entry.minutes} 分钟）：{{why}}",
            )
            print(said(line.format(why=why(one, sentences))))
        first = due[0].exercise
        question = Text(
            f"{first} begins anew; a copy of your file is kept.", f"{first} 将重新开始；你的文件会保留一份副本。"
        )
        if at.workspace and (yes or (somebody_there() and goes_on(question))):
            begin_anew(at, at.workspace, first)
            print(f"  attn check {first}")
    say_trouble(at)


def _nothing(found: Standings) -> Text:
    from grader.desk.map import day
    from grader.text import Text

    if not found.schedule:
        return Text("Nothing is due: nothing has been solved or got wrong yet.", "没有需要重做的：还没有做过的习题。")
    first = found.schedule[0]
    return Text("Nothing is due. Next: {exercise}, {on}.", "今天没有需要重做的。下一道：{exercise}，{on}。").format(
        exercise=first.exercise, on=day(first.on)
    )
