"""The start page of a workspace, ``00_start.ipynb``: the course as a map, with links, and where to go on."""

from __future__ import annotations

import nbformat

from grader.desk.files import write_whole
from grader.desk.workspace import Workspace
from grader.handout.learner import as_notebook
from grader.handout.notebooks import digest_of
from grader.submission.names import START_PAGE
from grader.submission.notebook import METADATA_KEY
from grader.text import Text

_INTRODUCTION = Text(
    "Open an exercise, write your answer, and run its `check(...)` cell as often as you like: it says what is wrong, "
    'and which mistake it is. Stuck? `hint("{first}")` gives a little more each time, and `solution("{first}")` '
    'shows the reference. Passed? `discuss("{first}")` has the discussion, and what the interviewer asks next.\n\n'
    "In a terminal, `attn` says where you are and what is next; `attn check {first}` does the same as the cell. "
    "`attn interview` holds an interview, and `attn review` repeats what you got wrong when it is due.",
    "打开一道题，写出解答，然后随时运行其中的 `check(...)` 单元：它会指出哪里错了，是哪一种错误。"
    '卡住了？`hint("{first}")` 每次多给一点提示，`solution("{first}")` 显示参考解答。'
    '通过之后，`discuss("{first}")` 给出讨论，以及面试官接下来会问什么。\n\n'
    "在终端里，`attn` 会告诉你做到哪里、下一题是什么；`attn check {first}` 与运行该单元相同。"
    "`attn interview` 进行一场面试，`attn review` 在该复习时重做错题。",
)
_NOW = Text(
    "# Run this cell to see where you are now.\nfrom grader import progress\n\nprogress()",
    "# 运行此单元，查看当前进度。\nfrom grader import progress\n\nprogress()",
)
_INTERVIEW = Text(
    "# An interview: questions for 45 minutes, the clock, no hints. Take the # away when you are ready, and run it.\n"
    "from grader import interview\n\n# interview(minutes=45)",
    "# 面试：45 分钟的题，计时，没有提示。准备好之后，去掉 # 再运行。\n"
    "from grader import interview\n\n# interview(minutes=45)",
)


def write_start_page(workspace: Workspace, title: str, first: str, course_map: str) -> None:
    """Write the page, unless somebody has written in it, or it says the same already.

    Args:
        title: of the course.
        first: an exercise, as an example.
        course_map: the map, in Markdown.

    Raises:
        OSError: it cannot be written.
    """
    path = workspace.folder / START_PAGE
    language = workspace.language
    cells = [
        nbformat.v4.new_markdown_cell(f"# {title}\n\n{getattr(_INTRODUCTION.format(first=first), language)}"),
        nbformat.v4.new_markdown_cell(course_map),
        nbformat.v4.new_code_cell(getattr(_NOW, language)),
        nbformat.v4.new_code_cell(getattr(_INTERVIEW, language)),
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
