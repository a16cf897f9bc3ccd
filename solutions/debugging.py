"""How debugging exercises are graded: as the exercise that is mended, and for the names of the bugs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from shared import itself

from grader.authoring import Case, Elsewhere, Exercise, Inputs, Text, call, known, replace, sibling

BUGS = (
    "sigmoid-weights",
    "wrong-scale",
    "heads-not-split",
    "shared-projection",
    "dropout-in-eval",
    "zeros-not-minus-inf",
    "mask-inverted",
    "softmax-axis",
    "positions-off-by-one",
    "detached",
    "residual-missing",
    "keys-for-values",
)
"""The slugs on offer, in every exercise: more than there are bugs."""


def mends(exercise: str, *bugs: str) -> Exercise:
    """The grading of what mends another exercise, ``<assignment>/<exercise>``, in which there are these bugs.

    The learner names them: ``bug = "..."`` if it is one, ``bugs = {"...", "..."}`` if they are two.
    """
    mended, reference = sibling(exercise)
    target = "bug" if len(bugs) == 1 else "bugs"

    def cases(rand: Inputs) -> Iterator[Case]:
        yield from mended.cases(rand)
        named = Case("the bug is named", call(), "interface", "bug", probe=itself, fault=names_the_bug)
        both = Case("both bugs are named", call(), "interface", "bugs", probe=in_order, fault=names_both)
        yield dataclasses.replace(named if len(bugs) == 1 else both, needs_the_rest=True)

    moved = tuple(
        dataclasses.replace(mistake, variants=tuple(Elsewhere(variant, reference) for variant in mistake.variants))
        for mistake in mended.mistakes
    )
    return dataclasses.replace(
        mended, targets=(*mended.targets, target), cases=cases, mistakes=(*moved, *misnamed(*bugs))
    )


def misnamed(*bugs: str) -> Any:
    """The mistakes of naming none, or another than it is."""
    first, others = bugs[0], bugs[1:]
    another = BUGS[BUGS.index(first) - 1]
    if not others:
        return known(bug_misnamed=[replace(f'bug = "{first}"', f'bug = "{name}"') for name in (another, "")])
    (second,) = others
    right = f'bugs = {{"{first}", "{second}"}}'
    wrong = (f'{{"{another}", "{second}"}}', f'{{"{first}"}}', f'{{"{second}"}}', "set()")
    return known(bugs_misnamed=[replace(right, f"bugs = {said}") for said in wrong])


def names_the_bug(value: Any, expected: Any) -> Text | None:
    """The message does not give the answer away."""
    if value == expected:
        return None
    return Text(
        "`bug` does not name what was wrong with the code: choose the slug from the list.",
        "`bug` 没有说对代码的问题所在：请从列表中选择正确的标识。",
    )


def names_both(value: Any, expected: Any) -> Text | None:
    """As `names_the_bug`: how many of the two are right is not said, either."""
    if value == expected:
        return None
    return Text(
        '`bugs` does not name what was wrong with the code: two slugs of the list, `{"...", "..."}`.',
        '`bugs` 没有说对代码的问题所在：应为列表中的两个标识，`{"...", "..."}`。',
    )


def in_order(value):  # type: ignore[no-untyped-def]
    """A set as a list; so that a list, or a tuple, is as good."""
    return sorted(set(value)) if isinstance(value, set | frozenset | list | tuple) else value
