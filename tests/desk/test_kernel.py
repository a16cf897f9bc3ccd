"""In a notebook: what is said after a check, and what a learner may ask for."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import RIGHT, WRONG
from IPython.core.interactiveshell import InteractiveShell

from grader import check, discuss, hint, progress, self_review, solution
from grader.desk.progress import Progress, Record
from grader.kernel import CheckFailedError

NAME = "scaled_dot_product_attention"

pytestmark = pytest.mark.usefixtures("data")


def function(code: str, name: str = NAME) -> types.FunctionType:
    scope: dict[str, types.FunctionType] = {}
    exec(code, scope)
    return scope[name]


def records() -> list[Record]:
    return Progress().records()


def test_full_marks_say_what_is_next(capsys: pytest.CaptureFixture[str]) -> None:
    result = check(function(RIGHT))
    said = capsys.readouterr().out.splitlines()
    assert said[-2] == "✓ 1 of 41 · next: Attention by hand (20 min)"
    assert said[-1] == f'What the interviewer asks next: from grader import discuss; discuss("{NAME}")'
    assert "<p>✓ 1 of 41 · next: Attention by hand (20 min)</p>" in result._repr_html_()
    assert "✓ 1/41 · 下一题：手算注意力" in repr(check(function(RIGHT), lang="zh"))


def test_every_check_is_recorded_and_tests_are_not() -> None:
    assert "next:" not in repr(check(function(WRONG)))
    (record,) = records()
    assert (record.kind, record.exercise, record.data["max_score"]) == ("check", NAME, 6)
    assert record.data["mistakes"][0] == "no-scale"
    assert 0 < record.data["score"] < 6
    check(function(RIGHT), strict=True)
    with pytest.raises(CheckFailedError):
        check(function(WRONG), strict=True)
    assert len(records()) == 1


def test_a_name_that_was_mistyped_is_suggested() -> None:
    mistyped = function(RIGHT.replace(NAME, "scaled_dot_prodct_attention"), "scaled_dot_prodct_attention")
    with pytest.raises(ValueError, match=f"No exercise asks for scaled_dot_prodct_attention; did you mean {NAME}"):
        check(mistyped)
    for ask in (check, hint, discuss, solution, self_review):
        with pytest.raises(ValueError, match="no exercise 'maskd_softmax'; did you mean masked_softmax"):
            ask("maskd_softmax")


def test_errors_are_in_the_learner_s_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTN_LANG", "zh_CN.UTF-8")
    with pytest.raises(ValueError, match="是不是想写 masked_softmax"):
        hint("maskd_softmax")


def test_hints_grow_and_then_offer_the_solution() -> None:
    given = [repr(hint(NAME)) for _ in range(4)]
    assert [text[:7] for text in given] == ["**1/3**", "**2/3**", "**3/3**", "**3/3**"]
    assert [f'solution("{NAME}")' in text for text in given] == [False, False, True, True]
    assert repr(hint(NAME, number=1)) == given[0]
    assert [record.data["number"] for record in records()] == [1, 2, 3, 3, 1]


def test_no_hint_is_passed_over() -> None:
    assert repr(hint(NAME, number=3)).startswith("**1/3**")
    assert repr(hint(function(RIGHT))).startswith("**2/3**")


def test_the_solution_asks_first_and_is_recorded() -> None:
    asked = repr(solution("what_is_attention"))
    assert 'solution("what_is_attention", yes=True)' in asked
    assert records() == []
    shown = repr(solution("what_is_attention", yes=True))
    assert "    weights = torch.softmax(scores, dim=0)" in shown
    assert "Model answer" in shown
    assert [(record.kind, record.exercise) for record in records()] == [("solution", "what_is_attention")]


def test_the_solution_stands_beside_one_s_own() -> None:
    assert "**Yours**\n\n```python\ndef records() -> list[Record]:" not in repr(solution(NAME, yes=True))
    globals()[NAME] = records
    try:
        assert "**Yours**\n\n```python\ndef records() -> list[Record]:" in repr(solution(NAME, yes=True))
    finally:
        del globals()[NAME]


def test_the_discussion_has_the_follow_up_questions() -> None:
    said = discuss("masked_softmax")._repr_markdown_()
    assert said.startswith("**The backward pass** of the softmax")
    assert "\n\n1. Write the backward pass of the softmax." in said
    assert "1. 写出 softmax 的反向传播" in discuss("masked_softmax", lang="zh")._repr_markdown_()


def test_where_nothing_is_written_there_is_nothing_to_review() -> None:
    said = repr(self_review("masked_softmax", ticked=[1]))
    assert said.startswith("masked_softmax has no written part")
    assert "---" not in said
    assert records() == []


def test_ticks_of_a_self_review_count_in_progress() -> None:
    assert "1. [ ] " in repr(self_review("what_is_attention"))
    said = repr(self_review("what_is_attention", ticked=[1, 3]))
    assert [f"{item}. [x] " in said for item in (1, 2, 3)] == [True, False, True]
    assert "2. [x] " in repr(self_review("what_is_attention", ticked=[2]))
    assert "1. [ ] " in repr(self_review("what_is_attention"))


def test_progress_is_a_map(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # no workspace, so no links
    for exercise in (NAME, "masked_softmax"):
        Progress().add("check", exercise, score=1, max_score=6, mistakes=["no-scale"])
    said = progress()._repr_markdown_()
    assert said.startswith("**Continue: Masked softmax** (20 min)\n\n0 of 41 passed")
    assert "| ▶ 1/6 | Scaled dot-product attention | 25 | ●●○○○ | Dot-product attention |" in said
    assert "- 2× Your weights match attention without the 1/√d scale" in said
    assert "**继续：带掩码的 softmax**" in progress(lang="zh")._repr_markdown_()


def test_where_progress_cannot_be_kept_it_is_said_below_the_report(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ATTN_DATA", str(tmp_path / "file"))
    said = repr(check(function(RIGHT)))
    assert "Set ATTN_DATA to a folder" in said
    assert "✓ 1 of 41" in said


def test_a_check_brings_the_start_page_up_to_date(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: Path) -> None:
    (tmp_path / ".attn").mkdir()
    state = {"language": "zh", "scripts": False, "handed_out": {}}
    (tmp_path / ".attn" / "workspace.json").write_text(json.dumps(state), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert "下一题" in repr(check(function(RIGHT))), "a Chinese workspace is spoken to in Chinese"
    assert "| ✓ 6/6 | 缩放点积注意力 |" in (tmp_path / "00_start.ipynb").read_text(encoding="utf-8")


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """IPython's, as a kernel has it."""
    made = InteractiveShell.instance()
    yield made
    InteractiveShell.clear_instance()
    for prompt in ("ps1", "ps2", "ps3"):  # they say that a person sits there
        delattr(sys, prompt)


def test_a_magic_runs_a_cell_and_checks_it(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_line_magic("load_ext", "grader")
    shell.run_cell_magic("check", NAME, RIGHT)
    assert f"{NAME}: 6/6" in capsys.readouterr().out
    assert NAME in shell.user_ns, "what a cell defines stays"
    shell.run_cell(f"%%check {NAME}\nraise KeyError('mine')")
    said = capsys.readouterr().out
    assert "mine" in said
    assert "6/6" not in said
    assert len(records()) == 1
    shell.run_cell_magic("check", "", "x = 1")
    assert "the exercise's id is missing" in capsys.readouterr().out


def test_hints_had_under_an_old_id_are_had() -> None:
    Progress().add("hint", "debug_sigmoid", number=1)
    assert repr(hint("debug_sigmoid")).startswith("**2/3**")
    assert records()[-1].exercise == "debug_1"
