"""What a learner wrote is shown as it is where that is safe, and letter by letter where it is not."""

from __future__ import annotations

import json

import pytest

from grader.course.course import LocatedCourse
from grader.hosting.harmless import harmless, literal


@pytest.mark.parametrize(
    "text",
    [
        "YOUR ANSWER HERE",
        "if $a<b$ and b > c, then `x < y`; **bold**, [paper](https://arxiv.org/abs/1706.03762)",
        "<details><summary>中文</summary>\n\n> quoted\n\n</details>\n\n| a | b |\n|---|---|\n| 1<br>2 | 3 |",
        "JavaScript is a language; the data: a table. E = mc² & so on &lt;b&gt;",
    ],
)
def test_honest_text_is_left_alone(text: str) -> None:
    assert harmless(text) == text


def test_all_that_is_handed_out_is_left_alone(course: LocatedCourse) -> None:
    for _, entry in course.course.entries():
        for cell in json.loads(course.release(entry.id).read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                assert harmless("".join(cell["source"])) == "".join(cell["source"])


def test_what_could_run_is_shown_letter_by_letter() -> None:
    assert harmless("<script>x()</script>") == "```text\n<script>x()</script>\n```"
    assert literal("````\n<b>") == "`````text\n````\n<b>\n`````"
