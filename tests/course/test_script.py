"""The one reader of ``notebook.py``: every form of a tag means the same to all who read it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from helpers import ROOT

from grader.course.errors import ExerciseError
from grader.course.script import FollowUp, Script, read_script, without_answers

SCRIPT = """\
# %% [markdown]
# Question.

# %% [markdown] tags=['hint']
# First.

# %% [markdown] tags=["hint"] lang="zh"
# 第一。

# %% [markdown] tags=["discussion"] note="hint"
# Long talk.

# %% tags=["given"]
import torch

# %% tags=["solution"]
def f(x):
    \"\"\"Twice x.\"\"\"
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

# %% tags=["check"]
check(f)
"""


def script(tmp_path: Path, text: str = SCRIPT) -> Script:
    path = tmp_path / "notebook.py"
    path.write_text(text, encoding="utf-8")
    return read_script(path)


def test_a_hint_is_a_cell_tagged_so_in_either_quotes(tmp_path: Path) -> None:
    assert script(tmp_path).hints() == {"en": ["First."], "zh": ["第一。"]}


def test_answer_stub_and_what_is_left_out(tmp_path: Path) -> None:
    read = script(tmp_path)
    assert read.answer[0] == "import torch"
    assert "return 2 * x" in read.answer[1]
    assert read.handed_out[1] == 'def f(x):\n    """Twice x."""\n    # YOUR CODE HERE\n    raise NotImplementedError()'
    assert read.left_out == {"check(f)"}


def test_broken_code_is_handed_out_in_place_of_the_mended(tmp_path: Path) -> None:
    read = script(tmp_path, '# %% tags=["broken"]\nx = 1\n\n# %% tags=["solution"]\nx = 2\n')
    assert read.handed_out == ("x = 1",)
    assert read.answer == ("x = 2",)


def test_an_unknown_tag_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ExerciseError, match=r"notebook\.py:4: 'hints' is no tag of a cell; there are .*hint"):
        script(tmp_path, SCRIPT.replace("tags=['hint']", "tags=['hints']"))


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ExerciseError, match=r"every exercise has a notebook\.py"):
        read_script(tmp_path / "notebook.py")


@pytest.mark.slow
def test_reading_imports_no_grammar() -> None:
    code = "import sys; from grader.course.script import read_script; from pathlib import Path\n"
    code += "read_script(Path(sys.argv[1]))\nassert 'jsonschema' in sys.modules and 'rfc3987_syntax' not in sys.modules"
    (path, *_) = (ROOT / "solutions").rglob("notebook.py")
    subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, check=True)


def test_follow_up_questions_have_their_answers_beside_them(tmp_path: Path) -> None:
    asked = "1. Why √d\n#    and not d?\n#    > Because.\n#    > Really.\n# 2. And then?"
    read = script(tmp_path, f'# %% [markdown] tags=["follow-up"]\n# **Next**\n#\n# {asked}\n')
    assert read.follow_ups("en") == (FollowUp("Why √d and not d?", "Because. Really."), FollowUp("And then?", ""))
    assert read.follow_ups("zh") == ()
    assert without_answers(read.cells[0].source) == "**Next**\n\n1. Why √d\n   and not d?\n2. And then?"


def test_chinese_has_no_breaks_where_a_page_would_show_a_space(tmp_path: Path) -> None:
    text = """\
# %% [markdown] lang="zh"
# 第一句，
# 第二句的一半
# 与另一半。
# `code` 之后
# `code`
# （括号）
#
# （一段。）
#
# - 一项，
#   它的后半。
# - 另一项。
#
# | 表 |
# |---|
#
# ```
# 图，
# 不动。
# ```
"""
    paragraph = "第一句，第二句的一半与另一半。`code` 之后\n`code`（括号）"
    rest = "（一段。）\n\n- 一项，它的后半。\n- 另一项。\n\n| 表 |\n|---|\n\n```\n图，\n不动。\n```"
    assert script(tmp_path, text).cells[0].source == f"{paragraph}\n\n{rest}"


def test_an_answer_goes_on_without_a_break_and_apart_from_its_question(tmp_path: Path) -> None:
    asked = "1. 为什么？\n#    > 因为，\n#    > 就是。\n# 2. 然后？"
    read = script(tmp_path, f'# %% [markdown] tags=["follow-up"] lang="zh"\n# {asked}\n')
    assert read.follow_ups("zh") == (FollowUp("为什么？", "因为，就是。"), FollowUp("然后？", ""))
