"""Partial credit is earned by something that can be seen, in whatever way the rest is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from helpers import EXERCISE, EXERCISES, RIGHT, little_exercise

from grader.course.authored import Authored
from grader.course.trusted import run_call, scope_of
from grader.grade import Attempt
from grader.report.model import Check, Report
from grader.session import Session
from grader.submission.reader import Submission
from grader.verdict.checks import score_checks
from grader.verdict.judge import problems_in, rule_breaches
from grader.verdict.without import without_effect

Grade = Callable[..., Report]
FUNCTION = "scaled_dot_product_attention"
MODULE = "multi_head_attention"


def passed(report: Report) -> set[str]:
    return {check.name.en for check in report.checks if check.passed}


def checks_of(session: Session, exercise: str, text: str) -> list[Check]:
    """The checks alone: to explain them takes much longer."""
    grader = session.grader(exercise)
    attempt = grader.look_at(Submission(Path("answer.py"), (text,)))
    assert isinstance(attempt, Attempt)
    outcomes = grader.run(attempt).outcomes
    return score_checks(grader.key, outcomes, problems_in(grader.key, outcomes), rule_breaches(grader.key, [text]))


def in_module(session: Session, forward: str) -> str:
    """The reference of the module, its forward pass replaced."""
    text = session.grader(MODULE).key.reference
    other = f"def forward(self, query, key, value, mask=None):\n    {forward}\n"
    return f"{text}\n\n{other}MultiHeadAttention.forward = forward\n"


@pytest.mark.parametrize("answer", ["None", "torch.zeros(1)", "(None, None)", "1 / 0"])
def test_nothing_of_the_right_form_earns_nothing(grade: Grade, answer: str) -> None:
    report = grade(f"import torch\ndef {FUNCTION}(q, k, v, mask=None):\n    return {answer}\n")
    assert report.score == 0
    assert passed(report) == set()
    assert report.diagnosis


@pytest.mark.parametrize("answer", ["None", "torch.zeros(1)", "1 / 0"])
def test_layers_count_though_their_module_does_not_work(session: Session, grade: Grade, answer: str) -> None:
    report = grade(in_module(session, f"return {answer}"), MODULE)
    seen = passed(report) - {"called and answers as specified", "embed_dim 6 in 4 heads"}
    assert len(seen) == 2
    assert all(name.startswith("layers by the names asked for") for name in seen)


def test_the_right_form_counts_though_the_numbers_are_wrong(session: Session, grade: Grade) -> None:
    report = grade(in_module(session, "return self.out_proj(query)"), MODULE)
    assert {"called and answers as specified", "shapes", "dtype and device", "written by hand"} <= passed(report)
    assert "self-attention" not in passed(report)


def test_what_is_not_a_number_is_nothing_to_a_judge(session: Session, grade: Grade) -> None:
    report = grade(in_module(session, "return query * float('nan')"), MODULE)
    questions = session.grader(MODULE).key.questions
    judged = {asked.reason for asked in questions if asked.fault and not asked.call.own_parameters}
    assert len(judged) >= 3
    assert not judged & passed(report)


def test_a_weight_decay_that_is_not_a_number_is_wrong(session: Session, grade: Grade) -> None:
    exercise = "training_recipe"
    text = session.grader(exercise).key.reference
    assert grade(text, exercise).passed
    report = grade(text.replace('"weight_decay": weight_decay', '"weight_decay": float("nan")'), exercise)
    assert not any(name.startswith("groups:") for name in passed(report))


@pytest.mark.parametrize(
    ("exercise", "mistake"),
    [
        ("attention_dropout", "active-in-evaluation"),
        ("multi_head_attention", "dropout-in-eval"),
        ("checkpointed_attention", "intermediates-kept"),
        ("local_attention", "quadratic"),
        ("linear_attention", "quadratic"),
        ("chunked_attention", "quadratic"),
        ("linear_attention", "library-called"),
    ],
)
def test_without_what_the_exercise_is_about_half_is_the_most(session: Session, exercise: str, mistake: str) -> None:
    key = session.grader(exercise).key
    variant = next(known.variant for known in key.mistakes if known.slug == mistake)
    assert variant is not None
    checks = checks_of(session, exercise, variant.apply(key.reference, key.targets))
    earned = sum(check.points for check in checks)
    assert earned <= key.points / 2 + 1e-9
    said = [check.message.en for check in checks if not check.passed]
    assert earned < key.points / 2 - 1e-9 or any("half of the points is the most" in text for text in said)


@pytest.mark.parametrize("exercise", [name for name in EXERCISES if name.startswith("debug_")])
def test_a_bug_that_is_named_and_not_mended_earns_nothing_for_its_name(session: Session, exercise: str) -> None:
    key = session.grader(exercise).key
    named = next(line for line in key.reference.splitlines() if line.startswith(("bug = ", "bugs = ")))
    checks = checks_of(session, exercise, "\n\n".join([*key.stub, named]))
    assert not {"the bug is named", "both bugs are named"} & {check.name.en for check in checks if check.passed}
    assert sum(check.points for check in checks) <= key.points / 2 + 1e-9


CALLED_IN_VAIN = f"""
def {FUNCTION}(q, k, v, mask=None, right={FUNCTION}):
    try:
        torch._C._nn.scaled_dot_product_attention(q, k, v)
    except RuntimeError:
        pass
    return right(q, k, v, mask)
"""
NAMED_SO = f"""
def helper(q, config):
    dropout, scaled = config["scaled_dot_product_attention"], config.MultiheadAttention
    return q if dropout is None else q * scaled.flex_attention

class Config(dict):
    MultiheadAttention = type("", (), {{"flex_attention": 1.0}})

def {FUNCTION}(q, k, v, mask=None, right={FUNCTION}):
    return right(helper(q, Config(scaled_dot_product_attention=True)), k, v, mask)
"""


def test_a_forbidden_call_costs_half_and_a_name_nothing(grade: Grade) -> None:
    called, named = grade(RIGHT + CALLED_IN_VAIN), grade(RIGHT + NAMED_SO)
    assert called.score == called.max_score / 2
    assert called.diagnosis[0].mistake == "library-called"
    assert named.passed


def test_a_comparison_with_the_library_in_a_cell_costs_nothing(grade: Grade) -> None:
    compared = (
        "\nq = torch.randn(1, 2, 3)\nassert torch.nn.functional.scaled_dot_product_attention(q, q, q).sum() != 0\n"
    )
    assert grade(RIGHT + compared).passed


def test_a_forbidden_import_that_no_answer_uses_costs_nothing(session: Session, grade: Grade) -> None:
    exercise = "attention_by_hand"
    right = session.grader(exercise).key.reference
    beside, used = grade(f"{right}\nimport numpy as np\n", exercise), grade(f"import math, numpy\n{right}", exercise)
    assert beside.score == used.score == beside.max_score
    target = session.grader(exercise).key.targets[0]
    wrapped = (
        f"{right}\nimport numpy as np\nright = {target}\ndef {target}(*args):\n    np.sum(1)\n    return right(*args)\n"
    )
    assert grade(wrapped, exercise).score == beside.max_score / 2


def test_a_check_may_weigh_more(tmp_path: Path, session: Session) -> None:
    folder = little_exercise(tmp_path, WEIGHED, "def double(x):\n    return 2 * x")
    key = Authored(folder).key(10)
    outcomes = [question.right for question in key.questions]
    outcomes[1] = replace(outcomes[1], value=torch.zeros(2))
    rows = {check.name.en: check for check in score_checks(key, outcomes, problems_in(key, outcomes), [])}
    assert rows["heavy"].max_points == 3 * rows["light"].max_points
    assert rows["heavy"].points == 0
    assert sum(check.max_points for check in rows.values()) == pytest.approx(10)


WEIGHED = """
from grader.authoring import Case, Exercise, call, known
def cases(inputs):
    yield Case("light", call(inputs.normal(2)))
    yield Case("heavy", call(inputs.normal(2)), weight=3)
exercise = Exercise(targets=("double",), cases=cases, mistakes=known())
"""


def test_an_argument_without_effect_is_named(session: Session) -> None:
    key = session.grader(EXERCISE).key
    question = next(question for question in key.questions if len(question.call.args) > 3 or question.call.kwargs)
    without = replace(question.call, args=question.call.args[:3], kwargs={})
    answer = run_call(without, scope_of(key.reference))
    assert without_effect(key, question, answer) == "mask"
    assert without_effect(key, question, question.right) is None


def test_layers_shapes_and_another_exception_are_said(session: Session, grade: Grade) -> None:
    text = session.grader(MODULE).key.reference.replace("self.q_proj", "self.to_q")
    said = [check.message.en for check in grade(text, MODULE).checks if not check.passed]
    assert sum("`q_proj.weight`" in line and "`to_q.weight`" in line for line in said) == 1
    assert sum(line.startswith("As in “") for line in said) > 3
    swapped = RIGHT.replace("k.transpose(-2, -1)", "k")
    assert "k (2, 3," in grade(swapped).diagnosis[0].message.en
    other = session.grader(MODULE).key.reference.replace("raise ValueError", "raise TypeError")
    assert "it raises TypeError" in " ".join(check.message.en for check in grade(other, MODULE).checks)
