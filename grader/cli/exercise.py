"""``attn check``, ``hint``, ``discuss``, ``solution``: what a learner asks for about one exercise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli.app import app
from grader.cli.common import LangOption, fail, said, usage_error
from grader.cli.desk import (
    Exercise,
    Yes,
    agreed,
    desk,
    exercise_of,
    goes_on,
    print_markdown,
    say_trouble,
    shown,
    somebody_there,
)

if TYPE_CHECKING:
    from grader.course.script import Script
    from grader.desk.desk import Desk
    from grader.report.model import Language


@app.command()
def check(exercise: Exercise, lang: LangOption = "en") -> None:
    """Grade your file for an exercise, say what is wrong, and record it.

    Exits with 0 when it was graded, whatever the score; with 1 when it could not be.
    """
    from grader.cli.grade import TRUSTED, Device, exit_status, run
    from grader.desk.desk import DeskError
    from grader.submission.find import Work

    at = desk()
    name = exercise_of(at, exercise)
    _allowed(at, name)
    try:
        path = Path(exercise) if Path(exercise).is_file() else at.file(name)
    except DeskError as error:
        usage_error(error.text)
    (report,) = run(at.located, [Work(path, shown(path))], name, Device.auto, TRUSTED).reports
    from grader.cli.learn import after_passing
    from grader.cli.reports import show

    show([report], lang, own=True)
    at.progress.checked(report)
    at.keep_page()
    if report.passed:
        print("\n".join(after_passing(at, name)))
    say_trouble(at)
    if exit_status([report], None):
        raise typer.Exit(1)


@app.command()
def hint(
    exercise: Exercise,
    number: Annotated[
        int | None, typer.Option(min=1, help="A hint that you have had, or the next one.", show_default=False)
    ] = None,
    yes: Yes = False,
    lang: LangOption = "en",
) -> None:
    """Give the next hint; after the last, offer the solution."""
    from grader.desk import told
    from grader.desk.desk import DeskError

    at = desk()
    name = exercise_of(at, exercise)
    _allowed(at, name)
    try:
        hints = at.hints(name)[lang]
    except DeskError as error:
        usage_error(error.text)
    given = at.standings().of(name).hints
    chosen = min(number or given + 1, len(hints), given + 1)
    print_markdown(told.hint(hints, chosen, f"attn solution {name}", lang))
    at.progress.add("hint", name, number=chosen)
    say_trouble(at)
    offered = given >= len(hints) and not number and not yes and somebody_there()
    if offered and goes_on(told.ASK.format(exercise=name)):
        _show_solution(at, name, _script(at, name), lang)


@app.command()
def discuss(exercise: Exercise, lang: LangOption = "en") -> None:
    """Print the discussion, then the interviewer's follow-up questions, each with its answer."""
    from grader.desk import told

    at = desk()
    name = exercise_of(at, exercise)
    _allowed(at, name)
    print_markdown(told.discussion(_script(at, name), lang))


@app.command()
def solution(exercise: Exercise, yes: Yes = False, lang: LangOption = "en") -> None:
    """Show the reference. It asks first, and that you saw it is recorded."""
    from grader.desk import told

    at = desk()
    name = exercise_of(at, exercise)
    _allowed(at, name)
    script = _script(at, name)
    agreed(told.ASK.format(exercise=name), yes, f"attn solution {name} --yes")
    _show_solution(at, name, script, lang)


def _allowed(at: Desk, name: str) -> None:
    """End where the exercise is asked in an interview that goes on."""
    from grader.desk.interview import current, not_now

    why_not = not_now(current(at.progress.records()), name)
    if why_not:
        fail(why_not)


def _script(at: Desk, name: str) -> Script:
    from grader.course.errors import ExerciseError
    from grader.desk.desk import DeskError

    try:
        return at.script(name)
    except DeskError as error:
        usage_error(error.text)
    except ExerciseError as error:
        fail(str(error))


def _show_solution(at: Desk, name: str, script: Script, lang: Language) -> None:
    from rich.console import Console

    from grader.desk import told

    at.progress.add("solution", name)
    code, console = told.reference(script), Console()
    if console.is_terminal:
        from rich.syntax import Syntax

        console.print(Syntax(code, "python", word_wrap=True, background_color="default"))
    else:
        print(code)
    if script.written_part(lang).answer:
        print(f"\n{said(told.WRITTEN)}\n")
        print_markdown(told.model_answer(script, lang))
    at.keep_page()
    say_trouble(at)
