"""What follows when an interview is handed in: the interviewer's questions, then the scorecard."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grader.desk.interview import Interview, QuestionScore, Score, Scorecard
from grader.report.model import Language, Report
from grader.report.render import plain
from grader.text import Text

if TYPE_CHECKING:
    from grader.course.course import ExerciseEntry
    from grader.course.script import FollowUp, Script

MOST_FOLLOW_UPS = 2
"""To each question of an interview."""
FULL = 2
"""Points for an answer to a follow-up question."""

_ASKS = Text("**{title}**: the interviewer asks\n\n{question}", "**{title}**：面试官追问\n\n{question}")
_ANSWER = Text("Your answer, in a few words: ", "用几句话回答：")
_GOOD_ANSWER = Text("A strong candidate says:\n\n{answer}", "优秀的回答：\n\n{answer}")
_SAID = Text("Did you say that? 2 all of it, 1 a part, 0 no: ", "你说到了吗？2 全部，1 一部分，0 没有：")
_WRITTEN = Text("**{title}**: the written answer\n\n{answer}", "**{title}**：书面回答\n\n{answer}")
_ITEMS = Text("Which of these does yours have? Their numbers, as in 1 3: ", "你的回答有哪几条？写编号，例如 1 3：")


@dataclass(frozen=True)
class Question:
    """A question that was handed in."""

    entry: ExerciseEntry
    script: Script
    report: Report


class Examiner:
    """Asks, and scores.

    Args:
        show: shows Markdown.
        ask: asks for a line; None where there is nobody to ask.
    """

    def __init__(self, language: Language, show: Callable[[str], None], ask: Callable[[str], str] | None) -> None:
        self.language, self.show, self.ask = language, show, ask

    def examine(self, interview: Interview, questions: Sequence[Question], handed_in: float) -> Scorecard:
        """The scorecard of an interview, after the interviewer's questions, for which the clock stands still.

        Args:
            handed_in: when, in seconds since 1970.
        """
        used = interview.used(handed_in)
        scores = tuple(map(self._score, questions))
        return Scorecard(interview.began, interview.minutes, used, scores)

    def _score(self, question: Question) -> QuestionScore:
        report = question.report
        said: list[tuple[str, str]] = []
        return QuestionScore(
            question.entry.id,
            Score(report.score or 0.0, report.max_score),
            _passed(report, hidden=False),
            _passed(report, hidden=True),
            self._follow_ups(question, said),
            self._written(question),
            tuple(said),
        )

    def _follow_ups(self, question: Question, said: list[tuple[str, str]]) -> Score | None:
        asked = _some([one for one in question.script.follow_ups(self.language) if one.answer])
        if self.ask is None or not asked:
            return None
        got = 0
        for one in asked:
            self._show(_ASKS.format(title=self._title(question), question=one.question))
            said.append((one.question, self._asked(_ANSWER)))
            self._show(_GOOD_ANSWER.format(answer=one.answer))
            got += self._points(FULL)
        return Score(got, FULL * len(asked))

    def _written(self, question: Question) -> Score | None:
        part = question.script.written_part(self.language)
        if self.ask is None or not part.rubric:
            return None
        self._show(_WRITTEN.format(title=self._title(question), answer=part.answer))
        self.show("\n".join(f"{number}. {item}" for number, item in enumerate(part.rubric, 1)))
        numbers = {int(word) for word in re.findall(r"\d+", self._asked(_ITEMS))}
        return Score(len(numbers & set(range(1, len(part.rubric) + 1))), len(part.rubric))

    def _points(self, most: int) -> int:
        """A number of points; asked for again until it is one."""
        while True:
            answer = self._asked(_SAID).strip()
            if answer.isdecimal() and int(answer) <= most:
                return int(answer)
            if not answer:
                return 0

    def _asked(self, prompt: Text) -> str:
        assert self.ask is not None
        return self.ask(str(getattr(prompt, self.language)))

    def _show(self, text: Text) -> None:
        self.show(str(getattr(text, self.language)))

    def _title(self, question: Question) -> str:
        return str(getattr(question.entry.title, self.language))


def _some(follow_ups: Sequence[FollowUp]) -> list[FollowUp]:
    """A few, by chance, in their order."""
    chosen = sorted(random.sample(range(len(follow_ups)), min(MOST_FOLLOW_UPS, len(follow_ups))))
    return [follow_ups[number] for number in chosen]


def _passed(report: Report, hidden: bool) -> Score:
    checks = [check for check in report.checks if check.hidden == hidden]
    return Score(sum(check.passed for check in checks), len(checks))


def as_markdown(card: Scorecard, questions: Sequence[Question], language: Language) -> str:
    """The scorecard, for people."""
    solved, of = card.solved, len(card.questions)
    over = card.used - card.minutes
    late = Text(f", {over:.0f} over", f"，超时 {over:.0f} 分钟") if over >= 1 else Text("", "")
    head = Text(
        f"## Scorecard\n\n**{solved} of {of} solved** · {card.used:.0f} of {card.minutes} min{late.en}",
        f"## 成绩单\n\n**做出 {solved}/{of}** · 用时 {card.used:.0f}/{card.minutes} 分钟{late.zh}",
    )
    parts = [str(getattr(head, language))]
    colon = "：" if language == "zh" else ": "
    for number, (one, question) in enumerate(zip(card.questions, questions, strict=True), 1):
        rows = [f"{number}. **{getattr(question.entry.title, language)}**{colon}{one.points}"]
        rows += [f"   - {getattr(name, language)}{colon}{score}" for name, score in _rows(one)]
        if question.report.diagnosis:
            rows.append(f"   - ▶ {plain(getattr(question.report.diagnosis[0].message, language))}")
        parts.append("\n".join(rows))
    return "\n\n".join(parts)


def _rows(one: QuestionScore) -> list[tuple[Text, Score]]:
    rows = [
        (Text("correctness", "正确性"), one.correct),
        (Text("edge cases", "边界情况"), one.edges),
        (Text("follow-up questions", "追问"), one.follow_ups),
        (Text("written answer", "书面回答"), one.written),
    ]
    return [(name, score) for name, score in rows if score is not None and score.of]
