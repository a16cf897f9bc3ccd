"""The course as a map, in Markdown: where to go on, every exercise with its state, and what keeps going wrong."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from grader.desk.review import REASONS, Due
from grader.desk.standing import MARKS, Standing, Standings
from grader.text import Text

if TYPE_CHECKING:
    from grader.desk.interview import Scorecard
    from grader.desk.workspace import Workspace
    from grader.report.model import Language

AGAIN = Text("Mistakes that you keep making:", "反复出现的错误：")
_COLUMNS = Text("| | exercise | minutes | difficulty | do first |", "| | 习题 | 分钟 | 难度 | 请先完成 |")
_LEGEND = Text("✓ passed · ▶ begun · ○ not begun yet", "✓ 已通过 · ▶ 进行中 · ○ 未开始")
_DONE = Text("**Every exercise is passed.**", "**所有习题都已通过。**")


MOST_BACK = 5
"""So many of the exercises that come back are listed: the next ones."""
MOST_HELD = 3
"""So many interviews are listed: the latest."""
HELD = Text("Interviews:", "面试：")
_BACK = Text(
    "To repeat, from that day on (`attn review` begins one anew):",
    "需要重做的习题及日期（`attn review` 重新开始一道）：",
)


class Map:
    """A map of where a learner stands.

    Args:
        workspace: where there is one, its files are linked.
        sentences: what is said of mistakes, by slug.
        folder: links start from here.
    """

    def __init__(
        self,
        found: Standings,
        workspace: Workspace | None,
        language: Language,
        sentences: Mapping[str, Text],
        folder: Path,
    ) -> None:
        self.found, self.workspace, self.language = found, workspace, language
        self.sentences, self.folder = sentences, folder

    def as_markdown(self) -> str:
        """The whole map."""
        lines = [self._go_on(), "", self._say(summary(self.found)), "", f"`{last_days(self.found)}`"]
        lines += (
            ["", self._say(_BACK), "", *map(self._back, self.found.schedule[:MOST_BACK])] if self.found.schedule else []
        )
        for assignment, group in groupby(self.found, lambda standing: standing.assignment):
            title = getattr(assignment.title, self.language)
            lines += ["", f"**{title}**", "", self._say(_COLUMNS), "|---" * 5 + "|", *map(self._row, group)]
        lines += ["", self._say(_LEGEND)]
        if self.found.interviews:
            held_before = [f"- {self._say(held(card))}" for card in self.found.interviews[:MOST_HELD]]
            lines += ["", self._say(HELD), "", *held_before]
        again = [f"- {self._say(text)}" for text in made_again(self.found, self.sentences)]
        return "\n".join([*lines, *(["", self._say(AGAIN), "", *again] if again else [])])

    def _go_on(self) -> str:
        following = self.found.next
        if following is None:
            return self._say(_DONE)
        title, minutes = self._linked(following), following.entry.minutes
        return self._say(Text(f"**Continue: {title}** ({minutes} min)", f"**继续：{title}**（{minutes} 分钟）"))

    def _row(self, standing: Standing) -> str:
        entry = standing.entry
        needed = [self.found.of(need) for need in entry.needs]
        waits = ", ".join(self._title(one) for one in needed if one.state != "passed")
        mark = f"{MARKS[standing.state]} {standing.best}".strip()
        return f"| {mark} | {self._linked(standing)} | {entry.minutes} | {entry.stars} | {waits} |"

    def _back(self, due: Due) -> str:
        title = self._linked(self.found.of(due.exercise))
        return self._say(
            Text("- {on}: {title}, {why}", "- {on}：{title}，{why}").format(
                on=day(due.on), title=title, why=why(due, self.sentences)
            )
        )

    def _linked(self, standing: Standing) -> str:
        file = self.workspace.file(standing.entry.id) if self.workspace else None
        title = self._title(standing)
        return f"[{title}]({os.path.relpath(file, self.folder).replace(os.sep, '/')})" if file else title

    def _title(self, standing: Standing) -> str:
        return str(getattr(standing.entry.title, self.language))

    def _say(self, text: Text) -> str:
        return str(getattr(text, self.language))


def summary(found: Standings) -> Text:
    """How much is done, in a line."""
    streak, minutes = found.streak(), found.minutes
    days = "day" if streak == 1 else "days"
    return Text(
        f"{found.passed} of {len(found.all)} passed · {minutes:.0f} min · {streak} {days} in a row",
        f"已通过 {found.passed}/{len(found.all)} · {minutes:.0f} 分钟 · 连续 {streak} 天",
    )


def last_days(found: Standings, today: date | None = None) -> str:
    """The last two weeks, a mark a day, today last."""
    worked = found.days()
    last = today or date.today()
    return "".join("■" if last - timedelta(days=back) in worked else "·" for back in reversed(range(14)))


def day(on: date) -> Text:
    """A day as people say it. A page may be read on any later day, so none is said to be today."""
    return Text(f"{on.day} {on:%B}", f"{on.month} 月 {on.day} 日")


def why(due: Due, sentences: Mapping[str, Text]) -> Text:
    """Why an exercise comes back, with the mistakes that come back with it."""
    made = [sentences.get(slug, Text(slug, slug)) for slug in due.mistakes]
    if not made:
        return REASONS[due.why]
    return Text("{why}: {made}", "{why}：{made}").format(
        why=REASONS[due.why], made=Text(" ".join(one.en for one in made), "".join(one.zh for one in made))
    )


def held(card: Scorecard) -> Text:
    """An interview in a line."""
    on, of = day(date.fromtimestamp(card.began)), len(card.questions)
    return Text(
        f"{on.en}: {card.solved} of {of} solved, {card.used:.0f} of {card.minutes} min",
        f"{on.zh}：做出 {card.solved}/{of}，用时 {card.used:.0f}/{card.minutes} 分钟",
    )


def made_again(found: Standings, sentences: Mapping[str, Text]) -> list[Text]:
    """The mistakes that keep being made, a sentence each."""
    return [
        Text("{times}× {what} ({where})", "{times}× {what}（{where}）").format(
            times=times, what=sentences.get(slug, Text(slug, slug)), where=", ".join(where)
        )
        for slug, times, where in found.mistakes()
    ]
