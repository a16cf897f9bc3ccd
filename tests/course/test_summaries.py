"""What is judged of an answer is computed on the trusted side, of numbers, and within bounds."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from grader.course.key import AnswerKey, Question
from grader.course.keyfile import read_key, write_key
from grader.course.trusted import summed_up
from grader.runner.runner import PackedCalls
from grader.wire.calls import Call, Opaque, Outcome, Raised

SUMMARY = "def doubled(value, x, shift=0.0):\n    x += 1\n    return {'sum': float((value * 2 + shift).sum())}\n"
CALL = Call("f", (torch.zeros(2),), {"shift": 1.0})
SHAPES = [(2,), ()]


def test_a_summary_takes_the_place_of_the_answer() -> None:
    outcome = summed_up(Outcome(value=torch.ones(2)), SUMMARY, CALL, SHAPES)
    assert outcome.value == {"sum": 6.0}
    assert CALL.args[0].sum() == 0  # the inputs stay as they are


def test_what_raised_or_has_no_summary_is_left_alone() -> None:
    failed = Outcome(raised=Raised("ValueError", (), "no"))
    assert summed_up(failed, SUMMARY, CALL, SHAPES) is failed
    plain = Outcome(value=torch.ones(2))
    assert summed_up(plain, "", CALL, ()) is plain


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (torch.ones(3, 1).expand(3, 1000), "the shape (3, 1000)"),  # dear to broadcast, cheap to send
        ([torch.ones(2), torch.ones(4_000_000, 1)], "the shape (4000000, 1)"),
        ((Opaque("a subclass of Tensor, Mine"),), "a subclass of Tensor, Mine"),
        (None, "NoneType"),
    ],
)
def test_an_answer_of_another_form_is_an_error_of_the_answer(value: object, said: str) -> None:
    outcome = summed_up(Outcome(value=value), SUMMARY, CALL, SHAPES)
    assert outcome.raised is not None
    assert said in outcome.raised.message


def test_a_key_keeps_it_and_a_child_never_sees_it(tmp_path: Path) -> None:
    right = summed_up(Outcome(value=torch.ones(2)), SUMMARY, CALL, SHAPES)
    asked = Question("plain", "numerics", CALL, right, summary=SUMMARY, shapes=((2,),))
    key = AnswerKey("e", 1.0, ("f",), (), (), (), (asked,), ())
    write_key(key, tmp_path / "key")
    (kept,) = read_key(tmp_path / "key").questions
    assert (kept.summary, kept.shapes, kept.right.value) == (SUMMARY, ((2,),), {"sum": 6.0})
    assert not kept.is_direct
    assert b"doubled" not in PackedCalls(key.calls).frame
