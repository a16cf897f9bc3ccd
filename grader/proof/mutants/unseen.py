"""Calls that are in no case: those of the cases with other sizes and other numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from grader.course.resizing import Redrawn, Sizes, sizes_in
from grader.values.tree import leaves
from grader.wire.calls import Call

LONG = 330
"""More than eight bits can count, which is all that bfloat16 has."""


class Unseen(Redrawn):
    """Draws what changes a call."""

    def some_sizes(self, call: Call) -> Iterator[tuple[str, Sizes]]:
        """Ways to resize a call, each with its name, likely ones to make sense and unlikely ones."""
        known = sorted(sizes_in(call))
        spread = [*range(1, 7), 8, 9, 10, 12]
        for one in known:
            yield f"{one} becomes 1", {one: 1}
        for one in known:
            for other in known:
                if one != other:
                    yield f"{one} becomes {other}", {one: other}
        for one in known:
            yield f"{one} becomes {LONG}", {one: LONG}
        if known:
            common = self.rand.choice(spread[1:])
            yield f"all become {common}", dict.fromkeys(known, common)
        for _ in range(40):
            drawn = {one: self.rand.choice(spread) for one in known}
            yield f"sizes {drawn}", drawn
        for one in known:
            for factor in (2, 3):
                yield f"{one} becomes {factor * one}", {one: factor * one}

    def resized(self, call: Call, sizes: Sizes) -> Call:
        """The call with its sizes changed and its numbers drawn anew; without a state."""
        return replace(super().resized(call, sizes), gradients=call.probe is None)

    def number(self, value: float) -> float:
        """A number among the arguments, changed a little."""
        if value in (0, 1) or not math.isfinite(value):
            return value
        changed = value * self.rand.choice((0.6, 0.8, 1.15))
        return min(changed, 0.95) if 0 < value < 1 else changed


def arguments_of(calls: Sequence[Call]) -> set[str]:
    """The words that are among the arguments of some calls."""
    return {leaf for call in calls for _, leaf in leaves((call.args, call.kwargs)) if isinstance(leaf, str)}
