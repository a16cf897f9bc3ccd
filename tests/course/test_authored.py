"""What is wrong with a `grading.py` is said with its file and, where that is known, the line."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import little_exercise

from grader.course.authored import Authored, load_grading
from grader.course.errors import ExerciseError

REFERENCE = "def double(x):\n    return 2 * x, x.sum(-1)\n"
GRADING = """\
from grader.authoring import Case, Exercise, built, call, known, replace, standard


def cases(inputs):
    x = inputs.normal(2, 3)
    yield Case("plain", call(x))


def double(x):
    return x + x, x.sum(-1)


mistakes = known(
    half=replace("2 * x", "x / 2"),
)
exercise = Exercise(targets=("double",), cases=cases, mistakes=mistakes)
"""
SAID = "half: {family: scaling, en: Half.}\n"


def read(folder: Path, old: str = "", new: str = "", said: str = SAID) -> Authored:
    """Read the exercise, as for a grader, with one thing changed in its grading."""
    assert old in GRADING
    authored = Authored(little_exercise(folder, GRADING.replace(old, new, 1), REFERENCE, said))
    authored.key(1.0)
    return authored


def test_what_is_right_is_read(tmp_path: Path) -> None:
    authored = read(tmp_path)
    assert [case.reason for case in authored.cases] == ["plain"]
    (mistake,) = authored.spec.mistakes
    assert mistake.sentence is not None
    assert mistake.sentence.text.en == "Half."


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    [
        ("inputs.normal(2, 3)", "inputs.norm(2, 3)", ":5", "AttributeError: 'Inputs' object has no attribute 'norm'"),
        ("inputs.normal(2, 3)", "inputs.normal(2, -3)", ":5", "RuntimeError: Trying to create tensor with negative"),
        ("call(x))", "call(x), gradient=True)", ":6", "TypeError: Case.__init__() got an unexpected keyword"),
        ("call(x))", "call(x), family='scale')", ":6", "ValueError: family='scale' is none of interface, shape"),
        ("call(x))", "x)", ":6", "TypeError: a Case takes its reason first, then call(...) or built(...)(...)"),
        ("call(x))", "call(x)", ":6", "SyntaxError: '(' was never closed"),
        ("call, known", "call, know", ":1", "ImportError: cannot import name 'know' from 'grader.authoring'"),
        ('("double",)', '"double"', ":16", "TypeError: targets is a tuple, not 'double'"),
        ("exercise = ", "grading = ", "", "defines no `exercise = Exercise(...)`"),
        ('"2 * x"', '"3 * x"', ":14", "'half': the reference does not contain '3 * x'"),
        ("half=", "third=", ":14", "nothing is said of the mistake 'third'; add it to "),
        ("call(x))", "call(x), probe=lambda f, x: f(x))", "", "'plain': cases.<locals>.<lambda> must be a function"),
        ('Case("plain", call(x))', "standard(lambda: call(x))", "", "cases yields <generator object standard at"),
        ('Case("plain", call(x))', "call(x)", "", "cases yields Called(args="),
        ("call(x))", "built(3)(x))", "", "'plain': the reference cannot be built: AttributeError: 'int' object has"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, old: str, new: str, place: str, said: str) -> None:
    with pytest.raises(ExerciseError) as raised:
        read(tmp_path, old, new)
    assert str(raised.value).startswith(f"{tmp_path / 'solutions/little/exercise/grading.py'}{place}: {said}")


def test_a_generator_that_is_no_case_is_told_how_to_yield(tmp_path: Path) -> None:
    with pytest.raises(ExerciseError, match=r"which is no Case; write `yield from`$"):
        read(tmp_path, 'Case("plain", call(x))', "standard(lambda: call(x))")


def test_a_sentence_about_no_mistake(tmp_path: Path) -> None:
    with pytest.raises(ExerciseError, match=r"mistakes\.yml:2: 'third' is no mistake of .*grading\.py; remove it"):
        read(tmp_path, said=f"{SAID}third: {{family: scaling, en: Third.}}\n")


def test_an_exercise_without_a_grading(tmp_path: Path) -> None:
    folder = little_exercise(tmp_path, "", REFERENCE)
    with pytest.raises(ExerciseError, match=r"grading\.py: no such file; every exercise has a grading\.py"):
        Authored(folder)


def test_what_a_course_shares_is_its_own(tmp_path: Path) -> None:
    """Two courses in one process, each with a shared.py."""
    grading = (
        "from shared import NAME\nfrom grader.authoring import *\nexercise = Exercise((NAME,), lambda _: [], known())\n"
    )
    for name in ("first", "second"):
        folder = tmp_path / name / "solutions/a/e"
        folder.mkdir(parents=True)
        (folder / "grading.py").write_text(grading, encoding="utf-8")
        (folder.parents[1] / "shared.py").write_text(f"NAME = {name!r}\n", encoding="utf-8")
    for name in ("first", "second", "first"):
        assert load_grading(tmp_path / name / "solutions/a/e/grading.py").targets == (name,)
