"""A forked child and an interpreter of its own give the same report. ``make runners`` compares all that there is."""

from __future__ import annotations

import pytest
from runners import HANDED_IN, compared

pytestmark = pytest.mark.slow
SAMPLE = ("A01a", "A06a", "A11a", "B01a", "C01a", "n04a")


def test_the_same_reports_on_a_sample() -> None:
    paths = [path for path in HANDED_IN if path.parent.name.startswith(SAMPLE)]
    assert len(paths) >= len(SAMPLE)
    assert {path: different for path, different in compared(paths) if different} == {}
