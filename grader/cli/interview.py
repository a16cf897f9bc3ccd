"""``attn interview``: draws questions, runs the clock, and when it is handed in asks on and gives the scorecard."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli.app import app
from grader.cli.common import LangOption, fail, said, usage_error
from grader.cli.desk import desk, entries, print_markdown, say_trouble, shown, somebody_there

if TYPE_CHECKING:
    from grader.desk.desk import Desk
    from grader.desk.draw import Level as LevelName
    from grader.desk.interview import Interview
    from grader.report.model import Language


def _topics(incomplete: str) -> list[str]:
    """For completion in a shell."""
    return sorted({tag for entry in entries() for tag in entry.tags if tag.startswith(incomplete)})


class Level(StrEnum):
    """How difficult questions are."""

    easy = "easy"
    medium = "medium"
    hard = "hard"


@app.command()
def interview(
    minutes: Annotated[int, typer.Option(min=5, help="How long it lasts.")] = 45,
    topic: Annotated[
        str | None,
        typer.Option(
            help="What it is about: an assignment, a tag, or a word of titles.",
            autocompletion=_topics,
            show_default=False,
        ),
    ] = None,
    level: Annotated[Level | None, typer.Option(help="How difficult the questions are.", show_default=False)] = None,
    hand_in: Annotated[bool, typer.Option("--hand-in", help="Hand in the interview that is going on.")] = False,
    lang: LangOption = "en",
) -> None:
    """Hold an interview: questions that fit the time, a clean notebook, the clock, follow-ups, a scorecard.

    While it goes on there are no hints and no checks of its questions. On a terminal, Enter hands in; elsewhere, or
    after Ctrl-C, --hand-in does.
    """
    from grader.desk.interview import NONE_RUNS, current

    at = desk()
    running = current(at.progress.records())
    if hand_in:
        if running is None:
            usage_error(NONE_RUNS)
        _hand_in(at, running, lang)
        return
    if running is None or running.is_forgotten():
        running = _begin(at, minutes, topic, level.value if level else None)
    from grader.desk.sitting import HOW, announced

    print_markdown(announced(at, running, lang, shown(running.file)))
    say_trouble(at)
    if somebody_there() and _waited(running):
        _hand_in(at, running, lang)
    else:
        print(said(HOW))


def _begin(at: Desk, minutes: int, topic: str | None, level: LevelName | None) -> Interview:
    from grader.course.errors import ExerciseError
    from grader.course.script import jupytext
    from grader.desk.desk import DeskError
    from grader.desk.draw import NothingFitsError
    from grader.text import Text

    jupytext()  # imports nbformat, too, without the slow part of it
    from grader.desk.sitting import sit

    try:
        return sit(at, minutes, topic, level)
    except (DeskError, NothingFitsError) as error:
        usage_error(error.text)
    except ExerciseError as error:
        fail(str(error))
    except OSError as error:
        fail(Text(f"The interview cannot be written: {error}.", f"无法写入面试文件：{error}。"))


def _hand_in(at: Desk, running: Interview, lang: Language) -> None:
    from grader.cli.grade import TRUSTED, Device, open_session
    from grader.desk.examiner import Examiner, Question, as_markdown
    from grader.desk.interview import end
    from grader.submission.find import Work

    if not running.file.is_file():
        from grader.text import Text

        fail(Text(f"{running.file} is not there any more.", f"{running.file} 已不存在。"))
    now = time.time()
    questions = []
    with open_session(at.located, Device.auto, TRUSTED) as session:
        work = Work(running.file, shown(running.file))
        for exercise in running.exercises:
            entry = at.standings().of(exercise).entry
            questions.append(Question(entry, at.script(exercise), session.grade(work, exercise)))
    examiner = Examiner(lang, print_markdown, _ask if somebody_there() else None)
    card = examiner.examine(running, questions, now)
    for question in questions:
        at.progress.checked(question.report)
    end(at.progress, card)
    at.keep_page()
    print_markdown(as_markdown(card, questions, lang))
    say_trouble(at)


def _ask(prompt: str) -> str:
    return str(typer.prompt(prompt.removesuffix(": ").removesuffix("："), default="", show_default=False))


def _waited(running: Interview) -> bool:
    """Wait for Enter, with the clock in sight; False where the learner leaves, and the interview goes on."""
    with _clock(running):
        try:
            input()
        except (KeyboardInterrupt, EOFError):
            print(file=sys.stderr)
            return False
    return True


@contextmanager
def _clock(running: Interview) -> Iterator[None]:
    """Show the time that is left, every second."""
    from grader.text import Text

    done = Event()

    def show() -> None:
        while True:
            left = round(60 * (running.minutes - running.used()))
            minutes, seconds = divmod(abs(left), 60)
            text = Text("{time} left", "剩余 {time}") if left >= 0 else Text("{time} over", "超时 {time}")
            enter = said(Text("Enter hands in", "按回车交卷"))
            time_left = said(text.format(time=f"{minutes}:{seconds:02}"))
            print(f"\r{time_left} · {enter} ", end="", file=sys.stderr, flush=True)
            if done.wait(1.0):
                return

    shown_by = Thread(target=show, daemon=True)
    shown_by.start()
    try:
        yield
    finally:
        done.set()
        shown_by.join()
