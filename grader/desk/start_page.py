"""The start page of a workspace, ``00_start.ipynb``: the course as a map, with links, and where to go on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import nbformat

from grader.desk.files import write_whole
from grader.desk.standing import MARKS, Standing, Standings
from grader.desk.workspace import START_PAGE, Workspace
from grader.handout.learner import as_notebook
from grader.handout.notebooks import digest_of
from grader.submission.notebook import METADATA_KEY
from grader.text import Text

if TYPE_CHECKING:
    from grader.report.model import Language

_INTRODUCTION = Text(
    "Open an exercise, write your answer, and run its `check(...)` cell as often as you like: it says what is wrong, "
    'and which mistake it is. Stuck? `hint("{first}")` gives a little more each time, and `solution("{first}")` '
    'shows the reference. Passed? `discuss("{first}")` has the discussion, and what the interviewer asks next.\n\n'
    "In a terminal, `attn` says where you are and what is next; `attn check {first}` does the same as the cell.",
    "打开一道题，写出解答，然后随时运行其中的 `check(...)` 单元：它会指出哪里错了，是哪一种错误。"
    '卡住了？`hint("{first}")` 每次多给一点提示，`solution("{first}")` 显示参考解答。'
    '通过之后，`discuss("{first}")` 给出讨论，以及面试官接下来会问什么。\n\n'
    "在终端里，`attn` 会告诉你做到哪里、下一题是什么；`attn check {first}` 与运行该单元相同。",
)
_COLUMNS = Text("| | exercise | minutes | difficulty | do first |", "| | 习题 | 分钟 | 难度 | 请先完成 |")
_NOW = Text(
    "# Run this cell to see where you are now.\nfrom grader import progress\n\nprogress()",
    "# 运行此单元，查看当前进度。\nfrom grader import progress\n\nprogress()",
)


def write_start_page(workspace: Workspace, found: Standings, title: str) -> None:
    """Write the page, unless somebody has written in it, or it says the same already.

    Raises:
        OSError: it cannot be written.
    """
    path = workspace.folder / START_PAGE
    language = workspace.language
    first = found.all[0].entry.id
    cells = [
        nbformat.v4.new_markdown_cell(f"# {title}\n\n{getattr(_INTRODUCTION.format(first=first), language)}"),
        nbformat.v4.new_markdown_cell(as_map(found, workspace, language)),
        nbformat.v4.new_code_cell(getattr(_NOW, language)),
    ]
    page = as_notebook(cells, "start", {})
    digest = digest_of(page)
    if path.exists():
        try:
            there = nbformat.read(path, as_version=4)
            ours = digest_of(there) == there.metadata[METADATA_KEY]["handed_out"] != digest
        except Exception:  # whatever it is, it is not ours
            return
        if not ours:
            return
    page.metadata[METADATA_KEY]["handed_out"] = digest
    write_whole(path, nbformat.writes(page) + "\n")


def as_map(found: Standings, workspace: Workspace | None, language: Language) -> str:
    """The course as a map, in Markdown: what to go on with, then every exercise; with links inside a workspace."""
    lines = [_go_on(found, workspace, language), ""]
    assignment = None
    for standing in found:
        if standing.assignment is not assignment:
            assignment = standing.assignment
            columns = getattr(_COLUMNS, language)
            lines += ["", f"**{getattr(assignment.title, language)}**", "", columns, "|---" * 5 + "|"]
        lines.append(_row(found, standing, workspace, language))
    lines += ["", getattr(_LEGEND, language)]
    return "\n".join(lines)


_LEGEND = Text("✓ passed · ▶ begun · ○ not begun yet", "✓ 已通过 · ▶ 进行中 · ○ 未开始")


def _go_on(found: Standings, workspace: Workspace | None, language: Language) -> str:
    following = found.next
    count = f"{found.passed}/{len(found.all)}"
    if following is None:
        return str(getattr(Text(f"✓ {count}: the whole course.", f"✓ {count}：整个课程已完成。"), language))
    title, minutes = _linked(following, workspace, language), following.entry.minutes
    return str(
        getattr(
            Text(
                f"**Continue: {title}** ({minutes} min) · {found.passed} of {len(found.all)} passed",
                f"**继续：{title}**（{minutes} 分钟）· 已通过 {count}",
            ),
            language,
        )
    )


def _row(found: Standings, standing: Standing, workspace: Workspace | None, language: Language) -> str:
    entry = standing.entry
    needed = [found.of(need) for need in entry.needs]
    waits = ", ".join(getattr(one.entry.title, language) for one in needed if one.state != "passed")
    best = "" if standing.score is None else f" {standing.score:.4g}/{entry.points:g}"
    mark = f"{MARKS[standing.state]}{best}"
    return f"| {mark} | {_linked(standing, workspace, language)} | {entry.minutes} | {entry.stars} | {waits} |"


def _linked(standing: Standing, workspace: Workspace | None, language: Language) -> str:
    title = str(getattr(standing.entry.title, language))
    file = workspace.file(standing.entry.id) if workspace else None
    if workspace is None or file is None:
        return title
    return f"[{title}]({os.path.relpath(file, workspace.folder).replace(os.sep, '/')})"
