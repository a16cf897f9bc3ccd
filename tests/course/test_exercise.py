"""Trusted code is run in silence."""

from __future__ import annotations

from grader.grade import Grader
from grader.wire.calls import Call


def test_what_a_variant_is_warned_of_is_kept_from_people(grader: Grader) -> None:
    text = "import warnings\nwarnings.warn('look')\ndef f():\n    warnings.warn('look here')\n    return 1"
    exercise = grader.exercise  # warnings are errors in tests
    assert exercise.perform(Call("f"), exercise.scope_of(text)).value == 1
