"""The sandbox takes nothing from honest work: every exercise answers in it as it does without, and in little memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from helpers import EXERCISES

from grader.course.course import LocatedCourse
from grader.course.keys import key_of
from grader.runner.limits import Limits
from grader.runner.runner import PackedCalls, Runner
from grader.sandbox import LAYERS
from grader.wire.calls import Call
from grader.wire.encoding import pack_outcome

pytestmark = pytest.mark.slow

MOST_PRIVATE_MB = 100
LIMITS = Limits(memory_mb=64)
SOME_MISTAKES = 3
ASK = """
def private_megabytes():
    with open("/proc/self/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private_")) / 1024
"""


@pytest.fixture(scope="session")
def locked_in() -> Iterator[Runner]:
    with Runner(LIMITS) as runner:
        yield runner


@pytest.fixture(scope="session")
def free() -> Iterator[Runner]:
    with Runner(LIMITS, without=[layer.name for layer in LAYERS if layer.name != "rlimits"]) as runner:
        yield runner


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_same_answers_as_without_and_in_little_memory(
    course: LocatedCourse, locked_in: Runner, free: Runner, exercise: str
) -> None:
    key = key_of(course, exercise)
    targets, calls = key.targets, PackedCalls(key.calls)
    firsts = {known.slug: known.variant for known in reversed(key.mistakes) if known.variant}
    some = list(reversed(firsts.values()))[:SOME_MISTAKES]
    for cells in ((key.reference,), *((variant.apply(key.reference, targets),) for variant in some)):
        inside, outside = (
            [pack_outcome(0, outcome) for outcome in runner.run(cells, targets, calls).outcomes]
            for runner in (locked_in, free)
        )
        assert inside == outside
    # New memory is bounded by the limit on addresses; what was copied of the warm parent's is seen at the end.
    asked = PackedCalls([*key.calls, Call("private_megabytes")])
    *answers, private = free.run([key.reference, ASK], targets, asked).outcomes
    assert not any(answer.ended for answer in answers)
    assert 1 < private.value < MOST_PRIVATE_MB - LIMITS.memory_mb
