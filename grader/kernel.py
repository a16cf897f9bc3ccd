"""What ``from grader import …`` gives in the learner's own kernel, or pytest: `check`, `hint`, and what comes after."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import Any

from grader.course.course import PUBLIC_FOLDER
from grader.desk import magic, told
from grader.desk.buttons import Button, has_widgets, show_boxes, show_buttons
from grader.desk.desk import HOSTED, Desk, DeskError, public_hints
from grader.desk.draw import Level, NothingFitsError
from grader.desk.here import Checked, check_here, exercise_of, inputs_of, located
from grader.desk.interview import current, not_now
from grader.desk.language import say, spoken
from grader.desk.progress import Progress, data_folder
from grader.desk.shown import Markdown, Result, shell
from grader.desk.standing import hints_given, what_is_next
from grader.report.model import Language, Report
from grader.report.render import as_text
from grader.text import Text
from grader.wire.calls import Call


class CheckFailedError(AssertionError):
    """Raised by ``check(..., strict=True)`` below full marks; its text is the report."""


class NotNowError(Exception):
    """Raised by ``check`` in an interview that goes on; its text says how to hand in."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it."""
        return [str(self)]


def check(*targets: Any, exercise: str | None = None, strict: bool = False, lang: Language | None = None) -> Result:
    """Check a solution where it is defined, say what is wrong with it, and record it in your progress.

    Args:
        targets: what to check, whatever can be called: functions, classes, an alias, a lambda, a ``partial``, a module;
            or one namespace such as ``globals()``; or one exercise's id, or nothing but ``exercise``, to check what
            the calling code has defined for it.
        exercise: which exercise this is for, where the names do not tell.
        strict: raise `CheckFailedError` below full marks, and record nothing; for tests.
        lang: ``"en"`` or ``"zh"``; that of the environment when None.

    Raises:
        ValueError: no exercise of this course asks for what was given.
    """
    language = spoken(lang)
    found = _allowed(check_here(targets, exercise, _calling()), language)
    if not strict:
        return _checked(found, language)
    if not found.report.passed:
        raise CheckFailedError(as_text(found.report, language, own=True))
    return Result(found.report, language)


def load(shell: Any) -> None:
    """Give IPython's shell the magic ``%%check``."""

    def check_what_is_there(exercise: str) -> None:
        language = spoken()
        _checked(_allowed(check_here((exercise,), None, shell.user_ns), language), language)

    magic.register(shell, check_what_is_there)


def inputs(exercise: str, case: str) -> Call:
    """What a case calls your code with: ``args`` and ``kwargs``; of a module also ``init`` and ``state``.

    Args:
        exercise: its id.
        case: the name of its check.
    """
    return inputs_of(exercise, case)


def hint(target: Any, lang: Language | None = None, number: int | None = None) -> Any:
    """The next hint for an exercise, given by its id or by the function or class that it asks for.

    Args:
        number: a hint that you have had, from 1; the next one when None.
    """
    language = spoken(lang)
    exercise = exercise_of(target, _calling())
    try:
        _allow(exercise)
        hints = _hints(exercise)[language]
    except DeskError as error:
        return Markdown(say(error.text, language))
    following = _hints_had(exercise) + 1
    chosen = max(1, min(number or following, following, len(hints)))
    _progress().add("hint", exercise, number=chosen)
    return Markdown(told.hint(hints, chosen, _call("solution", exercise), language))


def discuss(target: Any, lang: Language | None = None) -> Any:
    """The discussion of an exercise, then what the interviewer asks next, each question with its answer."""
    language = spoken(lang)
    exercise = exercise_of(target, _calling())
    try:
        _allow(exercise)
        script = _desk().script(exercise)
    except DeskError as error:
        return Markdown(say(error.text, language))
    return Markdown(told.discussion(script, language))


def solution(target: Any, yes: bool = False, lang: Language | None = None) -> Any:
    """The reference of an exercise, beside your own. It asks first (``yes=True`` agrees), and it is recorded."""
    calling = _calling()
    exercise = exercise_of(target, calling)
    return _solution(exercise, yes, spoken(lang), calling, f'`solution("{exercise}", yes=True)`')


def _solution(exercise: str, yes: bool, language: Language, calling: dict[str, Any], how_to_agree: str) -> Any:
    try:
        _allow(exercise)
        script = _desk().script(exercise)
    except DeskError as error:
        return Markdown(say(error.text, language))
    if not yes:
        return Markdown(f"{say(told.ASK.format(exercise=exercise), language)} {how_to_agree}")
    _progress().add("solution", exercise)
    own = [text for name in told.defined(script) if (text := _source(calling.get(name)))]
    return Markdown(told.beside(script, "\n\n\n".join(own), language), wrapped=False)


def self_review(exercise: str, lang: Language | None = None, ticked: Collection[int] | None = None) -> Any:
    """The model answer of a written question and its rubric, to tick off what your own answer has.

    Args:
        ticked: items of the rubric, from 1, that your answer has; recorded in your progress.
    """
    language = spoken(lang)
    try:
        desk, exercise = _desk(), exercise_of(exercise, _calling())
        _allow(exercise)
        part = desk.script(exercise).written_part(language)
    except DeskError as error:
        return Markdown(say(error.text, language))
    if not part.answer:
        return Markdown(say(told.NOTHING_WRITTEN.format(exercise=exercise, call=_call("discuss", exercise)), language))
    if ticked is not None:
        for item in range(1, len(part.rubric) + 1):
            _progress().add("tick", exercise, item=item, ticked=item in ticked)
    has = desk.standings().of(exercise).ticked
    if ticked is None and has_widgets():
        Markdown(part.answer).show()
        show_boxes(part.rubric, has, lambda item, now: _progress().add("tick", exercise, item=item, ticked=now))
        return None
    rows = [f"{n}. [{'x' if n in has else ' '}] {item}" for n, item in enumerate(part.rubric, 1)]
    how = say(told.TICK.format(call=f'`self_review("{exercise}", ticked=[1, 3])`'), language)
    return Markdown("\n\n".join([part.answer, "---", "\n".join(rows), how]))


def progress(lang: Language | None = None) -> Any:
    """Where you are: the course as a map, what is next, and the mistakes that you keep making."""
    language = spoken(lang)
    try:
        desk = _desk()
    except DeskError as error:
        return Markdown(say(error.text, language))
    shown = Markdown(desk.map(language, Path.cwd()), wrapped=False)
    following = desk.standings().next
    if not has_widgets() or following is None:
        return shown
    shown.show()
    show_buttons(_buttons(following.entry.id, language, passed=False))
    return None


def _allowed(found: Checked, language: Language) -> Checked:
    """What came of a check, where it may be told.

    Raises:
        NotNowError: the exercise is asked in an interview that goes on.
    """
    why_not = not_now(current(_progress().records()), found.report.exercise)
    if why_not:
        raise NotNowError(say(why_not, language))
    return found


def _checked(found: Checked, language: Language) -> Result:
    """Record a check, and show what came of it."""
    after = "\n".join(say(text, language) for text in _recorded(found.report))
    result = Result(found.report, language, after, found.printed)
    result.show()
    show_buttons(_buttons(found.report.exercise, language, found.report.passed))
    return result


def _buttons(exercise: str, language: Language, passed: bool) -> list[Button]:
    """What may be asked for after a check, or about the exercise that is next."""
    found = located()
    if found is None or found.course.find(exercise) is None:
        return []
    ask = [
        Button(say(told.DISCUSS, language), f'discuss("{exercise}")', lambda: discuss(exercise, language)),
        Button(say(told.NEXT, language), "progress()", lambda: Markdown(_where_next(language))),
    ]
    if passed:
        return ask
    asked = False

    def show_solution() -> Any:
        nonlocal asked
        asked, agreed = True, asked  # the first time it asks, and pressing again agrees
        return _solution(exercise, agreed, language, _user_names(), say(told.PRESS_AGAIN, language))

    return [
        Button(say(told.HINT, language), f'hint("{exercise}")', lambda: hint(exercise, language)),
        Button(say(told.SOLUTION, language), f'solution("{exercise}")', show_solution),
        *ask,
        Button(say(told.BEGIN_ANEW, language), f"attn reset {exercise}", lambda: _reset(exercise, language)),
    ]


def _where_next(language: Language) -> str:
    return _desk().map(language, Path.cwd()).split("\n", 1)[0]


def _reset(exercise: str, language: Language) -> Any:
    """How to begin anew: the notebook is open here, so its file is not changed behind its back."""
    return Markdown(say(told.HOW_TO_RESET.format(exercise=exercise), language))


def _user_names() -> dict[str, Any]:
    running = shell()
    return running.user_ns if running is not None else {}


def interview(
    minutes: int = 45, topic: str | None = None, level: Level | None = None, lang: Language | None = None
) -> Any:
    """Begin an interview: questions that fit the time and what you are weak at, in a notebook of their own.

    Args:
        minutes: how long it lasts.
        topic: what it is about: an assignment, a tag, or a word of titles.
        level: ``"easy"``, ``"medium"`` or ``"hard"``.
        lang: ``"en"`` or ``"zh"``; that of the environment when None.
    """
    from grader.desk.interview_here import begun

    language = spoken(lang)
    try:
        return begun(_desk(), minutes, topic, level, language)
    except (DeskError, NothingFitsError) as error:
        return Markdown(say(error.text, language))


def hand_in(lang: Language | None = None) -> Any:
    """Hand in the interview that goes on: the interviewer's questions, then the scorecard."""
    from grader.desk.interview_here import handed_in

    language = spoken(lang)
    try:
        return handed_in(_desk(), _calling(), language)
    except DeskError as error:
        return Markdown(say(error.text, language))


def _allow(exercise: str) -> None:
    """Raise where nothing is told of an exercise now.

    Raises:
        DeskError: it is asked in an interview that goes on.
    """
    why_not = not_now(current(_progress().records()), exercise)
    if why_not:
        raise DeskError(why_not)


def _call(name: str, exercise: str) -> str:
    """What to write for it; most notebooks have imported no more than ``check`` and ``hint``."""
    return f'from grader import {name}; {name}("{exercise}")'


def _calling() -> dict[str, Any]:
    """The names of the code that called a function of this module."""
    return sys._getframe(2).f_globals


def _desk() -> Desk:
    found = located()
    if found is None:
        raise DeskError(HOSTED)
    return Desk(found, progress=_progress())


def _progress() -> Progress:
    return _progress_at(data_folder())


@lru_cache(maxsize=1)
def _progress_at(folder: Path) -> Progress:
    return Progress(folder / "progress.sqlite3")


def _recorded(report: Report) -> list[Text]:
    """Record a check; returns what is to be said after its report."""
    kept = _progress()
    kept.trouble = None
    kept.checked(report)
    after = [kept.trouble] if kept.trouble else []
    found = located()
    if report.passed and found is not None and found.course.find(report.exercise):
        desk = _desk()
        desk.keep_page()
        more = Text("What the interviewer asks next: {call}", "面试官接下来会问什么：{call}")
        after += [what_is_next(desk.standings()), more.format(call=_call("discuss", report.exercise))]
    return after


def _hints(exercise: str) -> dict[str, list[str]]:
    found = located()
    if found is not None and found.course.find(exercise):
        return _desk().hints(exercise)
    return public_hints(exercise, Path.cwd() / PUBLIC_FOLDER)


def _hints_had(exercise: str) -> int:
    found = located()
    if found is not None and found.course.find(exercise):
        return _desk().standings().of(exercise).hints
    return hints_given(_progress().records(), exercise)


def _source(value: Any) -> str:
    try:
        return textwrap.dedent(inspect.getsource(value))
    except (TypeError, OSError):
        return ""
