"""Sees how wrong numbers are arranged: in another order of axes, right in a part, worse and worse along an axis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations

from torch import Tensor

from grader.values.compare import entries_close

CLOSE = 1e-3
"""Relative to the largest entry: so close, entries are equal."""
MOST_AXES = 5
LEAST_POSITIONS = 5
"""With fewer, errors grow by chance."""
MUCH = 10
"""So many times as large as at the first position, an error at the last has grown."""

Found = Mapping[str, object]


def other_order(mine: Tensor, right: Tensor) -> Found | None:
    """The order in which the axes of an answer would have to stand for it to be right."""
    if not 2 <= mine.dim() == right.dim() <= MOST_AXES or sorted(mine.shape) != sorted(right.shape):
        return None
    for order in permutations(range(mine.dim())):
        moved = mine.permute(order)
        if order != tuple(range(mine.dim())) and moved.shape == right.shape and _all_close(moved, right):
            return {"order": ", ".join(map(str, order))}
    return None


def partly_right(mine: Tensor, right: Tensor) -> Found | None:
    """An axis along which some positions are right, and others are not."""
    close = entries_close(mine, right, CLOSE)
    for axis, each in _by_position(close):
        are_right = each.all(-1).tolist()
        # Where an axis tells right from wrong, next to nothing is right at the wrong positions.
        is_told = 0 < sum(are_right) < len(are_right) and float(each[~each.all(-1)].double().mean()) < 0.1
        if is_told:
            wrong = [i for i, is_right in enumerate(are_right) if not is_right]
            return {
                "axis": axis,
                "right": _ranges([i for i, is_right in enumerate(are_right) if is_right]),
                "wrong": _ranges(wrong),
            }
    return None


def error_grows(mine: Tensor, right: Tensor) -> Found | None:
    """An axis along which the error grows from position to position."""
    for axis, each in _by_position((mine - right).abs()):
        errors = each.mean(-1)
        grows = len(errors) >= LEAST_POSITIONS and bool((errors.diff() >= 0).all())
        if grows and float(errors[-1]) > MUCH * float(errors[0]):
            return {"axis": axis, "first": float(errors[0]), "last": float(errors[-1])}
    return None


def _by_position(values: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Each axis, with a row of values for each of its positions."""
    for axis in range(values.dim()):
        if values.shape[axis] > 1:
            yield axis, values.movedim(axis, 0).flatten(1) if values.dim() > 1 else values.unsqueeze(1)


def _all_close(mine: Tensor, right: Tensor) -> bool:
    return bool(entries_close(mine, right, CLOSE).all())


def _ranges(numbers: Sequence[int]) -> str:
    """Numbers in a line: 0, 2–5."""
    said: list[str] = []
    start = numbers[0]
    for number, following in zip(numbers, [*numbers[1:], None], strict=True):
        if following != number + 1:
            said.append(str(start) if start == number else f"{start}–{number}")
            start = following or 0
    return ", ".join(said)
