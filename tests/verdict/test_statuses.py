"""Every way in which a submission can go wrong is told apart, and costs only what it broke."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import RIGHT

from grader.course.course import LocatedCourse
from grader.grade import Grader
from grader.report.model import Report
from grader.runner.limits import Limits
from grader.runner.runner import PackedCalls, Runner
from grader.session import Session
from grader.submission.reader import Submission, read_submission
from grader.verdict.describe import describe_problem
from grader.verdict.evidence import problems_of
from grader.verdict.happened import ended
from grader.wire.calls import Outcome
from grader.wire.ended import Ended

Grade = Callable[..., Report]


def broken(line: str) -> str:
    """A right solution that first executes a line whenever there is a mask."""
    return f"{RIGHT}\nright = scaled_dot_product_attention\n" + (
        "def scaled_dot_product_attention(q, k, v, mask=None):\n"
        "    if mask is not None:\n"
        f"        {line}\n"
        "    return right(q, k, v, mask)\n"
    )


@pytest.mark.everywhere
def test_right(grade: Grade) -> None:
    report = grade(RIGHT)
    assert report.passed
    assert report.diagnosis == ()


@pytest.mark.everywhere
def test_stub_is_not_attempted(session: Session, course: LocatedCourse) -> None:
    stub = read_submission(course.release("scaled_dot_product_attention"))
    report = session.grader("scaled_dot_product_attention").grade_cells(stub)
    assert (report.status, report.score) == ("not_attempted", 0)
    assert "YOUR CODE HERE" in report.diagnosis[0].message.en


def test_stub_with_a_docstring_changed_is_not_attempted(grade: Grade) -> None:
    report = grade('def scaled_dot_product_attention(q, k, v, mask=None):\n    "mine"\n    raise NotImplementedError()')
    assert (report.status, report.score) == ("not_attempted", 0)


@pytest.mark.everywhere
def test_no_such_function(grade: Grade) -> None:
    report = grade("def attention(q, k, v): ...")
    assert (report.status, report.score) == ("invalid", 0)
    assert "scaled_dot_product_attention" in report.diagnosis[0].message.en


@pytest.mark.everywhere
def test_syntax_error_names_the_line(grade: Grade) -> None:
    report = grade("import torch\ndef scaled_dot_product_attention(q, k, v, mask=None)\n    return q")
    assert (report.status, report.score) == ("invalid", 0)
    assert "line 2" in report.diagnosis[0].message.en


@pytest.mark.everywhere
def test_a_cell_that_raises_does_not_undo_the_others(session: Session) -> None:
    grader = session.grader("scaled_dot_product_attention")
    report = grader.grade_cells(Submission(Path("x.py"), ("1 / 0", RIGHT, "raise SystemExit(0)")))
    assert report.passed


@pytest.mark.everywhere
def test_an_exception_costs_its_calls_alone(grade: Grade) -> None:
    report = grade(broken("raise KeyError('oops')"))
    assert report.status == "graded"
    assert 0 < report.score < report.max_score
    assert "KeyError" in report.diagnosis[0].message.en


def test_exit_costs_its_calls_alone(grade: Grade) -> None:
    report = grade(broken("import os; os._exit(0)"))
    assert report.status == "crashed"
    assert 0 < report.score < report.max_score


@pytest.mark.slow
def test_endless_loop_costs_its_calls_alone(session: Session) -> None:
    key = session.grader("scaled_dot_product_attention").key
    unmasked = [call for call in key.calls if not call.kwargs][:2]
    masked = [call for call in key.calls if call.kwargs][:1]
    with Runner(Limits(call_seconds=3.0, seconds=100.0)) as runner:
        run = runner.run([broken("while True: pass")], key.targets, PackedCalls([*masked, *unmasked]))
    assert [outcome.ended for outcome in run.outcomes] == ["timeout", None, None]


@pytest.mark.everywhere
def test_every_way_to_end_has_a_sentence_of_its_own(grader: Grader) -> None:
    question = grader.key.questions[0]
    of_calls = set(Ended) - {Ended.KILLED, Ended.LOST}  # which count as crashed in the end, or not at all
    of_cells = of_calls - {Ended.NOT_RUN}
    said = {
        describe_problem(grader.key, question, problem, got)
        for got in (Outcome(ended=how) for how in of_calls)
        for problem in problems_of(0, question, got)
    }
    assert len(said) == len(of_calls)
    assert len(set(map(ended, of_cells))) == len(of_cells)


@pytest.mark.everywhere
def test_memory(grade: Grade) -> None:
    report = grade(broken("torch.ones(2**33)"))
    assert report.status == "out_of_memory"
    assert 0 < report.score < report.max_score


def test_every_status_but_graded_has_checks_and_a_diagnosis(grade: Grade) -> None:
    for code in ("def nothing(): ...", broken("import os; os._exit(0)"), "syntax error"):
        report = grade(code)
        assert report.status != "graded"
        assert report.checks
        assert report.diagnosis


def test_points_add_up(grade: Grade) -> None:
    report = grade(broken("raise KeyError"))
    assert abs(sum(check.points for check in report.checks) - report.score) < 1e-3
    assert abs(sum(check.max_points for check in report.checks) - report.max_score) < 1e-9


def test_a_target_that_is_not_there_is_told_apart_by_more_than_its_message(grade: Grade) -> None:
    missing = grade("def another_name(q, k, v, mask=None):\n    return q\n")
    said = "There is no `scaled_dot_product_attention` in the submission"
    assert missing.status == "invalid"
    assert said in missing.diagnosis[0].message.en
    pretended = grade(broken("""raise NameError("name 'scaled_dot_product_attention' is not defined")"""))
    assert "raised NameError" in pretended.diagnosis[0].message.en
    assert not any(said in check.message.en for check in pretended.checks)
