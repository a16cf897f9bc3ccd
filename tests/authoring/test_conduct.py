"""Mistakes in how an answer is made are made of any reference, a function's or a module's, and named."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import little_exercise

from grader.authoring.conduct import conduct, is_conduct
from grader.course.authored import Authored
from grader.grade import Grader
from grader.session import Session
from grader.submission.reader import Submission

SDPA = {"scaled_dot_product_attention"}
MADE = [
    "library-called",
    "inputs-changed",
    "returns-float32",
    "result-detached",
    "outputs-swapped",
    "kept-answer",
    "mode-kept",
    "mode-from-gradients",
]

OF_MODULES = {"kept-answer", "mode-kept", "mode-from-gradients"}


def made(forbidden: set[str], known: set[str]) -> list[str]:
    return [mistake.slug for mistake in conduct(forbidden, ("first", "second"), known)]


def test_which_are_made() -> None:
    assert made(SDPA, set()) == MADE
    assert all(map(is_conduct, MADE))
    assert not is_conduct("no-scale")


def test_the_library_is_called_only_where_that_is_forbidden() -> None:
    assert made(set(), set()) == MADE[1:]
    assert made({"softmax"}, set()) == MADE[1:]


def test_outputs_are_swapped_only_where_there_are_two() -> None:
    assert [mistake.slug for mistake in conduct(SDPA, ("output",), set())] == [
        slug for slug in MADE if slug != "outputs-swapped"
    ]


def test_what_an_author_describes_is_not_made_again() -> None:
    assert made(SDPA, {"no-scale", "returns-float32"}) == [slug for slug in MADE if slug != "returns-float32"]
    assert made(set(), {"library-called"}) == MADE[1:]


FUNCTION = """
def double(x):
    return 2 * x, x.sum(-1)
"""
MODULE = """
class Double(nn.Module):
    def __init__(self, by):
        super().__init__()
        self.by = nn.Parameter(torch.tensor([float(by)]))
        self.dropout = nn.Dropout(0.5)

    def forward(self, x):
        return self.by * self.dropout(x), x.sum(-1)
"""
GRADING = """
from grader.authoring import Case, Exercise, built, call, known, replace

def cases(inputs):
    for dtype in ("float32", "float64"):
        yield Case(dtype, CALL(inputs.normal(2, 3)), dtype=dtype, gradients=True, twice=True)

library = ("scaled_dot_product_attention",)
exercise = Exercise(("TARGET",), cases, known(OWN), outputs=("double", "sum"), forbidden=library)
"""
SAID = "".join(f"{slug}: {{family: rules, en: {slug} for all.}}\n" for slug in MADE)


def exercise(root: Path, target: str, own: str = "", said: str = "") -> Authored:
    reference, made = (FUNCTION, "call") if target == "double" else (MODULE, "built(2)")
    grading = GRADING.replace("CALL", made).replace("TARGET", target).replace("OWN", own)
    return Authored(little_exercise(root, grading, reference, said, SAID))


@pytest.mark.parametrize("target", ["double", "Double"])
def test_each_is_named_for_a_function_and_for_a_module(session: Session, tmp_path: Path, target: str) -> None:
    authored = exercise(tmp_path, target)
    grader = Grader(authored.key(1.0), session.runner)
    assert grader.grade_cells(Submission(Path("<right>"), authored.script.answer)).passed
    for mistake in authored.spec.mistakes:
        text = mistake.variants[0].apply(authored.reference, authored.spec.targets)
        report = grader.grade_cells(Submission(Path("<wrong>"), (text,)))
        if target == "double" and mistake.slug in OF_MODULES:
            assert report.passed
            continue
        assert [line.mistake for line in report.diagnosis] == [mistake.slug]
        assert report.diagnosis[0].message.en == f"{mistake.slug} for all."
        assert not report.passed
    assert [mistake.slug for mistake in authored.spec.mistakes] == MADE


def test_the_author_s_own_mistake_wins(session: Session, tmp_path: Path) -> None:
    own = "returns_float32=replace('2 * x', '(2 * x).float()')"
    authored = exercise(tmp_path, "double", own, "returns-float32: {family: dtype, en: My own.}\n")
    assert [mistake.slug for mistake in authored.spec.mistakes].count("returns-float32") == 1
    grader = Grader(authored.key(1.0), session.runner)
    text = authored.reference.replace("2 * x", "(2 * x).float()")
    report = grader.grade_cells(Submission(Path("<wrong>"), (text,)))
    assert [line.message.en for line in report.diagnosis] == ["My own."]


def test_those_of_which_the_course_says_nothing_are_not_made(tmp_path: Path) -> None:
    folder = exercise(tmp_path, "double").folder
    (tmp_path / "solutions/mistakes.yml").write_text("outputs-swapped: {family: rules, en: Swapped.}\n", "utf-8")
    assert [mistake.slug for mistake in Authored(folder).spec.mistakes] == ["outputs-swapped"]
