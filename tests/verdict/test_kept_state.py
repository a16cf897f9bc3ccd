"""What an answer keeps from one call to the next is seen in every exercise, and named as state."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.course.course import LocatedCourse
from grader.course.derived.state import IN_TURN, THROUGH_MODES
from grader.course.key import AnswerKey
from grader.report.model import Report
from grader.session import Session
from grader.submission.reader import Submission

STATE = "inputs left alone, same input same output"

FIRST_ANSWER_FOR_EVER = """
_right = {target}
class {target}(_right):
    def forward(self, *args, **kwargs):
        if not hasattr(self, "kept"):
            self.kept = super().forward(*args, **kwargs)
        return self.kept
"""
ANSWER_BY_SHAPES = """
_right, _kept = {target}, {{}}
def {target}(*args, **kwargs):
    key = str([(getattr(x, "shape", x), getattr(x, "dtype", x)) for x in (*args, *kwargs.values())])
    if key not in _kept:
        _kept[key] = _right(*args, **kwargs)
    return _kept[key]
"""
SHAPE_OF_THE_FIRST = """
_right = {target}
class {target}(_right):
    def forward(self, x, *args, **kwargs):
        self.first = getattr(self, "first", x)
        return super().forward((x + self.first) / 2, *args, **kwargs)
"""
DROPOUT_OFF_FOR_EVER = """
_right = {target}
class {target}(_right):
    def forward(self, *args, **kwargs):
        if not self.training:
            for part in self.modules():
                if isinstance(part, torch.nn.Dropout):
                    part.p = 0.0
        return super().forward(*args, **kwargs)
"""
DROPOUT_ASKS_FOR_GRADIENTS = """
_right = {target}
class {target}(_right):
    def forward(self, *args, **kwargs):
        before = self.training
        self.train(before and torch.is_grad_enabled())
        try:
            return super().forward(*args, **kwargs)
        finally:
            self.train(before)
"""
DROPOUT_ALWAYS_ON = """
_right = {target}
class {target}(_right):
    def forward(self, *args, **kwargs):
        self.calls = getattr(self, "calls", 0) + 1
        result = super().forward(*args, **kwargs)
        return result if self.calls == 1 else torch.nn.functional.dropout(result, 0.2)
"""
KEPT = [
    ("self_attention", FIRST_ANSWER_FOR_EVER, "kept-answer"),
    ("translation", FIRST_ANSWER_FOR_EVER, "kept-answer"),
    ("channel_attention", FIRST_ANSWER_FOR_EVER, "kept-answer"),
    ("weighted_sum", ANSWER_BY_SHAPES, "kept-answer"),
    ("local_attention", ANSWER_BY_SHAPES, "kept-answer"),
    ("channel_attention", SHAPE_OF_THE_FIRST, "unknown"),
    ("debug_3", DROPOUT_OFF_FOR_EVER, "mode-kept"),
    ("debug_3", DROPOUT_ASKS_FOR_GRADIENTS, "mode-from-gradients"),
    ("channel_attention", DROPOUT_ALWAYS_ON, "unknown"),
]


def graded(session: Session, exercise: str, more: str) -> Report:
    """The report on the reference with something added to it."""
    key = session.grader(exercise).key
    code = f"{key.reference}\nimport torch\n{more.format(target=key.targets[0])}"
    return session.grader(exercise).grade_cells(Submission(Path("x.py"), (code,)))


@pytest.mark.parametrize(("exercise", "more", "mistake"), KEPT, ids=[f"{kept[0]}-{kept[2]}" for kept in KEPT])
def test_what_is_kept_costs_the_check_of_state_and_is_named(
    session: Session, exercise: str, more: str, mistake: str
) -> None:
    report = graded(session, exercise, more)
    failed = [check.name.en for check in report.checks if not check.passed]
    assert STATE in failed
    (first, *_) = report.diagnosis
    assert (first.family, first.mistake) == ("state", mistake), first.message.en


def test_what_may_be_kept_costs_nothing(session: Session) -> None:
    """A table that depends on shapes alone, made at the first call."""
    more = """
_right, _tables = {target}, {{}}
def {target}(scores, *args, **kwargs):
    _tables.setdefault(scores.shape, torch.arange(scores.shape[-1]))
    return _right(scores, *args, **kwargs)
"""
    assert graded(session, "masked_softmax", more).passed


def test_a_wrong_answer_is_not_called_wrong_twice(session: Session) -> None:
    """What is wrong alone is wrong between other calls, too: that says nothing of state."""
    more = "\n_right = {target}\ndef {target}(*a, **k):\n    return tuple(2 * x for x in _right(*a, **k))\n"
    report = graded(session, "scaled_dot_product_attention", more)
    assert not report.passed
    assert next(check.passed for check in report.checks if check.name.en == STATE)


def test_a_part_of_a_key_asks_for_what_is_in_it(session: Session) -> None:
    key: AnswerKey = session.grader("attention_masks").key
    for target in key.targets:
        part = key.only([target])
        for question in part.questions:
            assert question.base is None or part.questions[question.base].call.target == target
    assert any(question.base is not None for question in key.questions)
    assert all(question.base is None for question in key.public().questions)


def test_every_module_is_asked_in_both_modes(course: LocatedCourse, session: Session) -> None:
    for exercise in ("self_attention", "multi_head_attention", "transformer_block"):
        reasons = {question.reason for question in session.grader(exercise).key.questions if question.base is not None}
        assert {IN_TURN, THROUGH_MODES} <= reasons
