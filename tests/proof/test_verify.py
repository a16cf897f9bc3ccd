"""The course is sound: what `attn verify` proves, for every exercise."""

from __future__ import annotations

import pytest
from helpers import EXERCISES

from grader.proof.verify import verify
from grader.session import Session

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("exercise", EXERCISES)
def test_exercise_is_sound(session: Session, exercise: str) -> None:
    proof = verify(session.located, exercise, session.runner)
    assert proof.problems == []
    assert proof.named
