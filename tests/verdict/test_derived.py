"""What the grader asks of every exercise: in other sizes and orders, with large numbers, on an accelerator."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.course.course import LocatedCourse
from grader.course.derived.circumstances import LARGE, SIZES, STRIDED
from grader.course.derived.device import ON_ACCELERATOR
from grader.course.derived.modules import BUILT, CONVERTED, TRAINING
from grader.course.derived.state import IN_TURN, SEEDED
from grader.report.model import Report
from grader.session import Session
from grader.submission.reader import Submission
from grader.verdict.messages import OTHERWISE as OTHERWISE_TEXT

OTHERWISE = OTHERWISE_TEXT.en
STATE, DEVICE = "inputs left alone, same input same output", "dtype and device"

CHANGED = "\n_right = {target}\ndef {target}(*a, **k):\n    %s\n"
"""Something done with the answer, or with what is given."""
TWO = "\n_right, _seen = {target}, []\ndef {target}(inputs, weights):\n    %s\n"
MODULE = "\n_right = {target}\nclass {target}(_right):\n    def forward(self, *a, **k):\n        %s\n"

WRONG = {
    "an axis of size 1 is lost": (
        "scaled_dot_product_attention",
        CHANGED % "out, w = _right(*a, **k); return out.squeeze(1), w",
        OTHERWISE,
        "with the sizes q (",
    ),
    "an axis is known by its size": (
        "weighted_sum",
        TWO % "return _right(inputs, weights) * (1 if inputs.shape[0] == 4 or len({{*inputs.shape}}) > 1 else 2)",
        OTHERWISE,
        "with the sizes ",
    ),
    "items of a batch influence each other": (
        "scaled_dot_product_attention",
        CHANGED % "out, w = _right(*a, **k); return out + (0 if len(out) > 1 else 1), w",
        OTHERWISE,
        "the first item of the batch comes alone",
    ),
    "an order of items is expected": (
        "weighted_sum",
        TWO % "_seen.append(inputs); first = _seen[0]\n"
        "    turned = inputs.shape == first.shape and torch.equal(inputs[-1], first[0])\n"
        "    return _right(inputs, weights) * (2 if turned else 1)",
        OTHERWISE,
        "the batch is in reverse order",
    ),
    "memory is taken as it lies": (
        "dot_product_attention",
        "\n_right = {target}\ndef {target}(q, k, v, *rest):\n"
        "    as_it_lies = v.as_strided(v.shape, torch.empty(v.shape).stride())\n"
        "    return _right(q, k, as_it_lies if v.stride(0) == 2 else v, *rest)\n",
        OTHERWISE,
        "no tensor is contiguous",
    ),
    "a branch that is not taken has a gradient": (
        "linear_attention",
        "\nclass F:\n    @staticmethod\n    def elu(x):\n        return torch.where(x > 0, x, torch.exp(x) - 1)\n",
        OTHERWISE,
        "gradients hold infinity or NaN",
    ),
    "positions are counted with eight bits": (
        "local_attention",
        "\n_arange = torch.arange\ntorch_ = torch\nclass torch:\n    def __getattr__(self, name):\n"
        "        return getattr(torch_, name)\n    def arange(self, *a, **k):\n"
        "        return _arange(*a, **k).clamp(max=256)\ntorch = torch()\n",
        OTHERWISE,
        "with the sizes ",
    ),
    "built with one head": (
        "multi_head_attention",
        MODULE % "out = super().forward(*a, **k); return out if self.num_heads > 1 else 2 * out",
        OTHERWISE,
        "built in other sizes",
    ),
    "training changes numbers": (
        "multi_head_attention",
        MODULE % "out = super().forward(*a, **k); return 2 * out if self.training else out",
        OTHERWISE,
        "in training mode without dropout",
    ),
    "something is made on the CPU": (
        "scaled_dot_product_attention",
        CHANGED % "q, *rest = a; return _right(q + torch.zeros(q.shape), *rest, **k)",
        DEVICE,
        "a tensor made by `torch.zeros` stays on the CPU",
    ),
    "the global seed is set": (
        "weighted_sum",
        CHANGED % "torch.manual_seed(0); return _right(*a, **k)",
        STATE,
        "leave the global seed alone",
    ),
    "another mask is not looked at": (
        "masked_softmax",
        "\n_right, _masks = {target}, {{}}\ndef {target}(scores, mask, *a, **k):\n"
        "    return _right(scores, _masks.setdefault(scores.double().sum().item(), mask.clone()), *a, **k)\n",
        STATE,
        "something of that call is kept",
    ),
    "a table stays in its first dtype": (
        "sinusoidal_encoding",
        MODULE % "x = [*a, *k.values()][0]; self.kept = getattr(self, 'kept', x[0])\n"
        "        return super().forward(x) + 0 * (x @ self.kept.mT)[..., :1]",
        STATE,
        "after the module was moved to float64",
    ),
    "a call adds to the state": (
        "multi_head_attention",
        MODULE % "self.register_buffer('seen', torch.zeros(1)); return super().forward(*a, **k)",
        STATE,
        "which names `state_dict()` has",
    ),
}


def graded(session: Session, exercise: str, more: str) -> Report:
    """The report on the reference with something added to it."""
    key = session.grader(exercise).key
    code = f"{key.reference}\nimport torch\n{more.format(target=key.targets[0])}"
    return session.grader(exercise).grade_cells(Submission(Path("x.py"), (code,)))


@pytest.mark.parametrize("sort", WRONG)
def test_what_only_fails_elsewhere_costs_its_check_and_is_said(session: Session, sort: str) -> None:
    exercise, more, check, said = WRONG[sort]
    report = graded(session, exercise, more)
    failed = {found.name.en: found.message.en for found in report.checks if not found.passed}
    assert check in failed, failed
    assert said in failed[check]
    assert report.diagnosis


def test_what_was_asked_already_is_not_asked_elsewhere(session: Session) -> None:
    """Where the plain answer is wrong, nothing is seen of other sizes, and no point is to be had there."""
    report = graded(session, "weighted_sum", CHANGED % "return 2 * _right(*a, **k)")
    (check,) = (check for check in report.checks if check.name.en == OTHERWISE)
    assert not check.passed
    assert "Looked at once the answer in" in check.message.en


def test_names_of_what_is_given_by_position_are_free(session: Session) -> None:
    more = "\n_right = {target}\ndef {target}(one, other):\n    return _right(one, other)\n"
    assert graded(session, "weighted_sum", more).passed


def test_every_exercise_is_asked_what_can_be_asked_of_it(session: Session) -> None:
    asked = {
        question.reason
        for question in session.grader("multi_head_attention").key.questions
        if question.base is not None
    }
    assert {SIZES, STRIDED, LARGE, ON_ACCELERATOR, BUILT, TRAINING, CONVERTED, IN_TURN, SEEDED} <= asked


def test_an_exercise_leaves_out_what_its_contract_leaves_open(course: LocatedCourse, session: Session) -> None:
    asked = {question.reason for question in session.grader("nlp_applications").key.questions}
    assert SIZES in asked
    assert ON_ACCELERATOR not in asked
