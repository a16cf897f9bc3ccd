"""An interview in the learner's own kernel: begun, and handed in from the notebook whose cells define the answers."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

from grader.desk.desk import Desk, DeskError
from grader.desk.draw import Level
from grader.desk.examiner import Examiner, Question, as_markdown
from grader.desk.here import check_here
from grader.desk.interview import NONE_RUNS, current, end
from grader.desk.shown import Markdown
from grader.desk.sitting import announced, sit
from grader.desk.told import defined
from grader.report.model import Language
from grader.text import Text

_NOT_HERE = Text(
    "Nothing of your interview is defined here. Run the cells of {file}, and hand in there.",
    "这里没有定义面试中的任何内容。请运行 {file} 中的单元，并在那里交卷。",
)
_SURE = Text("Hand in now? Enter: yes. Anything else: not yet. ", "现在交卷吗？按回车交卷；输入其他内容则暂不交卷。")
_NOT_YET = Text("Not handed in: the interview goes on.", "没有交卷，面试继续。")


def begun(at: Desk, minutes: int, topic: str | None, level: Level | None, language: Language) -> Markdown:
    """Begin an interview, or go on with the one that runs; says where it is.

    Raises:
        DeskError: there is no workspace, or there are no solutions here.
        NothingFitsError: no question is what was asked for.
    """
    interview = current(at.progress.records())
    if interview is None or interview.is_forgotten():
        interview = sit(at, minutes, topic, level)
    path = os.path.relpath(interview.file).replace(os.sep, "/")
    return Markdown(announced(at, interview, language, f"[{path}]({path})"), wrapped=False)


def handed_in(at: Desk, calling: dict[str, Any], language: Language) -> Markdown:
    """Grade what the calling code has defined, ask the interviewer's questions, and record the scorecard.

    Raises:
        DeskError: no interview runs, or not in this kernel; it is not to be handed in yet; there are no solutions.
    """
    interview = current(at.progress.records())
    if interview is None:
        raise DeskError(NONE_RUNS)
    asked = {name for exercise in interview.exercises for name in defined(at.script(exercise))}
    if not asked & calling.keys():
        raise DeskError(_NOT_HERE.format(file=interview.file))
    ask = _asker(language)  # before anything is graded: whoever ran all cells may not have meant it
    now, questions = time.time(), []
    for exercise in interview.exercises:
        entry = at.standings().of(exercise).entry
        questions.append(Question(entry, at.script(exercise), check_here((), exercise, calling).report))
    card = Examiner(language, _show, ask).examine(interview, questions, now)
    for question in questions:
        at.progress.checked(question.report)
    end(at.progress, card)
    at.keep_page()
    return Markdown(as_markdown(card, questions, language), wrapped=False)


def _asker(language: Language) -> Callable[[str], str] | None:
    """Asks for a line; None where nobody can be asked, as when a notebook is run without a person.

    Raises:
        DeskError: it was not meant to be handed in yet.
    """
    try:
        answer = input(str(getattr(_SURE, language)))
    except (NotImplementedError, EOFError, OSError):
        return None
    if answer.strip():
        raise DeskError(_NOT_YET)
    return input


def _show(text: str) -> None:
    if "IPython" in sys.modules:
        from IPython.display import display

        display(Markdown(text))
    else:
        print(text)
