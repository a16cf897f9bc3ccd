"""Trusted code is run in silence."""

from __future__ import annotations

from grader.course.trusted import run_call, scope_of
from grader.wire.calls import Call


def test_what_a_variant_is_warned_of_is_kept_from_people() -> None:
    text = "import warnings\nwarnings.warn('look')\ndef f():\n    warnings.warn('look here')\n    return 1"
    assert run_call(Call("f"), scope_of(text)).value == 1  # warnings are errors in tests
