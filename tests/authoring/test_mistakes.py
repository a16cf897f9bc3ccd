"""Known mistakes, and the texts of their variants."""

from __future__ import annotations

import re
from typing import Any

import pytest

from grader.authoring import Elsewhere, Exercise, known, replace, rewrite
from grader.authoring.mistakes import variants

REFERENCE = "def f(x):\n    return x * 2 + x * 2\n"


def broken(x):  # type: ignore[no-untyped-def]
    return helper(x)  # type: ignore[name-defined]  # noqa: F821


def answer(text: str, name: str = "f") -> Any:
    names: dict[str, Any] = {}
    exec(text, names)
    return names[name](1)


def test_a_slug_is_a_name_and_variants_are_one_or_several() -> None:
    one, two = replace("x", "y"), replace("2", "3")
    mistakes = known(no_scale=one, mask_ignored=[one, two])
    assert [mistake.slug for mistake in mistakes] == ["no-scale", "mask-ignored"]
    assert [(mistake.slug, variant) for mistake, variant in variants(mistakes)] == [
        ("no-scale", one),
        ("mask-ignored", one),
        ("mask-ignored", two),
    ]
    assert all(mistake.sentence is None for mistake in mistakes)


@pytest.mark.parametrize("given", [[], (), ["text"], [replace("x", "y"), None], "text"])
def test_a_mistake_without_a_variant_is_an_error(given: Any) -> None:
    with pytest.raises(ValueError, match="mistake 'no_scale' needs a variant"):
        known(no_scale=given)


def test_pieces_are_replaced_wherever_they_stand() -> None:
    assert answer(replace("x * 2", "x").apply(REFERENCE, ("f",))) == 2
    assert answer(replace(("x * 2", "x"), ("x + x", "x - x")).apply(REFERENCE, ("f",))) == 0
    assert replace("a", "b") == replace(("a", "b"))


def test_a_piece_that_is_not_there() -> None:
    with pytest.raises(ValueError, match=re.escape("the reference does not contain 'x * 3'")):
        replace("x * 3", "x").apply(REFERENCE, ("f",))


@pytest.mark.parametrize("pairs", [("x",), (("x", "y"), "z"), (("x", "y", "z"),), ("x", "y", "z")])
def test_what_is_no_replacement(pairs: Any) -> None:
    with pytest.raises(TypeError, match="replace takes an old text and a new one, or pairs of them"):
        replace(*pairs)


def test_a_target_is_written_anew_with_the_names_of_the_reference() -> None:
    reference = f"def helper(x):\n    return -x\n\n{REFERENCE}\ng = f\n"
    first = rewrite(broken).apply(reference, ("f", "g"))
    assert (answer(first), answer(first, "g")) == (-1, 4)
    second = rewrite(broken, target="g").apply(reference, ("f", "g"))
    assert (answer(second), answer(second, "g")) == (4, -1)


def test_a_variant_of_another_exercise_is_put_behind_this_one() -> None:
    text = Elsewhere(replace("return x", "return -x"), "def g(x):\n    return x\n").apply(REFERENCE, ("f",))
    assert (answer(text), answer(text, "g")) == (4, -1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"targets": "f"}, "targets is a tuple, not 'f'"),
        ({"forbidden": "softmax"}, "forbidden is a tuple, not 'softmax'"),
        ({"outputs": ["output"]}, "outputs is a tuple"),
        ({"oracles": broken}, "oracles is a tuple"),
        ({"mistakes": {"slug": replace("x", "y")}}, "mistakes is a tuple"),
        ({"cases": iter(())}, "cases is the generator function itself"),
        ({"oracles": (broken,)}, "the oracle 'broken' has to have the name of a target"),
    ],
)
def test_what_is_wrong_with_an_exercise_is_said(options: dict[str, Any], said: str) -> None:
    right: dict[str, Any] = {"targets": ("f",), "cases": lambda _: iter(()), "mistakes": ()}
    Exercise(**right)
    with pytest.raises((TypeError, ValueError), match=said):
        Exercise(**right | options)
