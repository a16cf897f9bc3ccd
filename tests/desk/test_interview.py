"""An interview: a clean notebook, no help before it is handed in, then the interviewer's questions and a scorecard."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import EXERCISES, solve

from grader import check, discuss, hand_in, hint, interview, solution
from grader.course.course import LocatedCourse
from grader.course.script import jupytext, read_script
from grader.desk.interview import current, scorecards
from grader.desk.progress import Progress
from grader.kernel import NotNowError

jupytext()  # imports nbformat, too, without the slow part of it
from grader.desk.sitting import names_in  # noqa: E402
from grader.handout.learner import question  # noqa: E402

Attn = Callable[..., Any]
TOPIC = "带掩码的 softmax"
NAME = "masked_softmax"


@pytest.fixture
def begun(attn: Attn, here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An interview of one question, and its notebook."""
    said = attn("interview", "--minutes", "20", "--topic", TOPIC, "--level", "medium")
    assert said.returncode == 0
    assert "1. Masked softmax (20 min) ●●●○○" in said.stdout
    (path,) = (here / "interviews").iterdir()
    assert str(path.relative_to(here)) in said.stdout
    return path


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_question_has_the_task_the_stub_and_no_more(course: LocatedCourse, language: str) -> None:
    for exercise in EXERCISES:
        script = read_script(course.solution(exercise) / "notebook.py")
        cells = question(script, language)
        kept = {"given", "solution"}
        wanted = [cell.tags for cell in script.code if "broken" not in cell.tags and cell.tags & kept]
        assert sum(cell.cell_type == "code" for cell in cells) == len(wanted), exercise
        text = "\n".join(cell.source for cell in cells)
        assert "hint(" not in text, exercise
        assert "check(" not in text, exercise
        assert "SOLUTION" not in text, exercise
        assert not any(item.question in text for item in script.follow_ups(language)), exercise
        written = script.written_part(language)
        assert not written.answer or written.answer not in text, exercise


def test_it_goes_on_until_it_is_handed_in(attn: Attn, begun: Path) -> None:
    again = attn("interview", "--minutes", "90").stdout
    assert begun.name in again
    assert list(begun.parent.iterdir()) == [begun]
    for command in ("check", "hint", "discuss", "solution"):
        refused = attn(command, NAME)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "attn interview --hand-in" in refused.stderr
    assert attn("hint", "weighted_sum").returncode == 0
    assert "交卷" in attn("hint", NAME, "--lang", "zh").stderr


def test_several_questions_stand_in_one_file(
    attn: Attn, here: Path, course: LocatedCourse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a workspace of scripts, in a script. One is solved, the other is left as it is."""
    two = ("masked_softmax", "weighted_sum")
    scripts = here.parent / "scripts"
    attn("start", scripts, "--scripts")
    monkeypatch.chdir(scripts)
    monkeypatch.setattr("grader.desk.sitting.draw", lambda found, *_: [found.of(name) for name in two])
    assert "2 questions" in attn("interview").stdout
    (path,) = (scripts / "interviews").iterdir()
    script, text = read_script(course.solution(NAME) / "notebook.py"), path.read_text(encoding="utf-8")
    compile(text, str(path), "exec")
    for stub, cell in zip(script.handed_out, script.code, strict=True):
        text = text.replace(stub, cell.source)
    path.write_text(text, encoding="utf-8")
    assert "**1 of 2 solved**" in attn("interview", "--hand-in").stdout
    assert [record.exercise for record in Progress().records() if record.kind == "check"] == list(two)


def test_questions_that_import_the_same_can_stand_together(course: LocatedCourse) -> None:
    assert names_in(read_script(course.solution(NAME) / "notebook.py")) == {NAME}


def test_handed_in_it_is_graded_and_asked_on(
    attn: Attn, begun: Path, course: LocatedCourse, monkeypatch: pytest.MonkeyPatch
) -> None:
    solve(course, NAME, begun)
    monkeypatch.setattr("grader.cli.interview.somebody_there", lambda: True)
    answers = iter(["online softmax", "7", "2", "", "1"])
    monkeypatch.setattr("grader.cli.interview._ask", lambda _: next(answers))
    said = attn("interview", "--hand-in").stdout
    assert next(answers, None) is None
    assert said.count("A strong candidate says:") == 2
    card = said[said.index("## Scorecard") :]
    for line in ("**1 of 1 solved** · 0 of 20 min", "**Masked softmax**: 6/6", "follow-up questions: 3/4"):
        assert line in card
    assert "edge cases: " in card
    records = Progress().records()
    assert [record.kind for record in records] == ["interview", "check", "scorecard"]
    assert records[-1].data["said"][0][1] == "online softmax"
    assert current(records) is None
    assert "1 of 1 solved, 0 of 20 min" in attn("progress").stdout
    (kept,) = json.loads(attn("progress", "--json", "-").stdout)["interviews"]
    assert kept["questions"][0]["follow_ups"] == {"got": 3, "of": 4}
    assert attn("interview", "--hand-in").returncode == 2


def test_on_a_terminal_the_clock_is_shown_until_enter_hands_in(
    attn: Attn, begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = iter([KeyboardInterrupt, EOFError, ""])

    def key() -> str:
        pressed = next(keys)
        if isinstance(pressed, str):
            return pressed
        raise pressed

    monkeypatch.setattr("grader.cli.interview.somebody_there", lambda: True)
    monkeypatch.setattr("builtins.input", key)
    monkeypatch.setattr("grader.cli.interview._ask", lambda _: "")
    for _ in range(2):
        left = attn("interview")
        assert "left · Enter hands in" in left.stderr
        assert left.stdout.endswith("To hand in: attn interview --hand-in\n")
    assert "## Scorecard" in attn("interview").stdout


def test_in_a_pipe_nothing_is_asked_and_what_was_left_open_comes_back(attn: Attn, begun: Path) -> None:
    said = attn("interview", "--hand-in", "--lang", "zh").stdout
    assert "**做出 0/1** · 用时 0/20 分钟" in said
    assert "追问" not in said
    assert "▶" in said
    assert attn("review").stdout.startswith(f"Nothing is due. Next: {NAME}, ")


def test_from_a_notebook(
    attn: Attn, here: Path, course: LocatedCourse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "cooking" in repr(interview(topic="cooking"))
    said = interview(minutes=25, topic="What is attention?")._repr_markdown_()
    (path,) = (here / "interviews").iterdir()
    assert f"[interviews/{path.name}](interviews/{path.name})" in said
    for refused in (hint, discuss, solution):
        assert "hand_in()" in repr(refused("what_is_attention"))
    with pytest.raises(NotNowError, match="hand_in"):
        check("what_is_attention")
    asked: list[str] = []
    sure = iter(["not yet", ""])

    def answer(prompt: str) -> str:
        asked.append(prompt)
        if prompt.startswith("Hand in now?"):
            return next(sure)
        return "1 3 9" if "1 3" in prompt else "1"

    monkeypatch.setattr("builtins.input", answer)
    assert path.name in repr(hand_in()), "it is not handed in from another notebook"
    monkeypatch.setitem(globals(), "soft_lookup", lambda *_: None)
    assert "Not handed in" in repr(hand_in())
    card = repr(hand_in())
    assert "written answer: 2/5" in card
    assert "follow-up questions: 2/4" in card
    assert len(asked) == 7
    assert "the written answer" in capsys.readouterr().out
    (kept,) = scorecards(Progress().records())
    assert (kept.minutes, kept.solved, kept.questions[0].exercise) == (25, 0, "what_is_attention")
    assert "No interview is going on" in repr(hand_in())


def test_without_a_workspace_it_is_said_how_to_make_one(
    attn: Attn, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "attn start" in attn("interview").stderr
    assert "attn start" in repr(interview())
    assert Progress().records() == []
