"""What is wrong with the outcome of a call, facet by facet. Checks score these facts, the diagnosis explains them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from grader.authoring import Case, Text
from grader.values.compare import Difference, differences, entries_close, tolerance_of, worst
from grader.values.tree import leaves, tensors, together
from grader.wire.calls import Outcome, Raised

Facet = Literal[
    "ended",
    "raised",
    "structure",
    "shape",
    "value",
    "judged",
    "dtype",
    "gradient",
    "changed",
    "again",
    "forbidden",
    "largest",
]
_WORST_FIRST = ("structure", "shape", "value")
ANSWER_FACETS: tuple[Facet, ...] = ("ended", "raised", "structure", "shape", "value", "judged")
"""Facets that make the answer itself wrong; the others are about how it was made."""


@dataclass(frozen=True)
class Problem:
    """One facet of one call that is not as it should be."""

    case: int
    facet: Facet
    where: Difference | None = None
    names: tuple[str, ...] = ()
    text: Text | None = None

    @property
    def key(self) -> tuple[int, Facet]:
        """What identifies a problem among those of a submission."""
        return self.case, self.facet


def problems_of(index: int, case: Case, got: Outcome, expected: Outcome, device: str = "cpu") -> list[Problem]:
    """Everything wrong with one outcome."""
    if got.ended:
        return [Problem(index, "ended", names=(got.ended,))]
    if case.raises is not None:
        right = got.raised is not None and case.raises in got.raised.bases
        return [] if right else [Problem(index, "raised")]
    if got.raised is not None:
        return [Problem(index, "raised")]
    return [*_answer(index, case, got, expected), *_conduct(index, case, got, expected, device)]


def _answer(index: int, case: Case, got: Outcome, expected: Outcome) -> Iterator[Problem]:
    if case.judge is not None:
        verdict = _verdict(case, got, expected)
        if verdict is not None:
            yield Problem(index, "judged", text=verdict)
        return
    allowed = tolerance_of(case.dtype, case.tolerance)
    wrong = [found for found in differences(got.value, expected.value) if found.deviation > allowed]
    if not wrong:
        return
    first = min(wrong, key=lambda found: _WORST_FIRST.index(found.kind))
    yield Problem(index, first.kind, first)


def _conduct(index: int, case: Case, got: Outcome, expected: Outcome, device: str) -> Iterator[Problem]:
    wrong_dtypes = tuple(_wrong_dtypes(got.value, expected.value, case.dtype)) if case.judge is None else ()
    if wrong_dtypes:
        yield Problem(index, "dtype", names=wrong_dtypes)
    elif any(place != device.split(":")[0] for place in got.devices):
        yield Problem(index, "dtype", names=tuple(f"on {place}" for place in got.devices))
    if case.gradients:
        wrong = tuple(_wrong_gradients(case, got, expected))
        if wrong or got.gradient_error:
            yield Problem(index, "gradient", names=wrong)
    if got.changed:
        yield Problem(index, "changed", names=tuple(got.changed))
    if case.twice and worst(got.again, got.value) > tolerance_of(case.dtype, None):
        yield Problem(index, "again")
    if got.seen:
        yield Problem(index, "forbidden", names=tuple(got.seen))
    if case.max_elements is not None and got.largest > case.max_elements:
        yield Problem(index, "largest", names=(str(got.largest),))


def _wrong_dtypes(got: Any, expected: Any, dtype: str) -> Iterator[str]:
    for _, mine, right in together(got, expected, _same_length):
        if isinstance(mine, Tensor) and isinstance(right, Tensor):
            wanted = f"torch.{dtype}" if right.is_floating_point() else str(right.dtype)
            if str(mine.dtype) != wanted:
                yield f"{mine.dtype} instead of {wanted}".replace("torch.", "")


def _same_length(got: Any, expected: Any) -> bool:
    return isinstance(expected, dict) or len(got) == len(expected)


def _wrong_gradients(case: Case, got: Outcome, expected: Outcome) -> Iterator[str]:
    allowed = max(tolerance_of(case.dtype, case.tolerance), 2e-4)
    mine = got.gradients or {}
    for name, right in (expected.gradients or {}).items():
        if right is None:
            continue
        found = mine.get(name)
        # A gradient that never arrives is the same as zeros.
        if (found is None and bool(right.abs().max() > 1e-9)) or (found is not None and worst(found, right) > allowed):
            yield name


def likeness(facet: Facet, case: Case, got: Outcome, other: Outcome, expected: Outcome) -> float:
    """How much two outcomes are wrong in the same way, in one facet: from 0 to 1.

    Below 1 for values that are wrong alike in many places only, as when a second mistake spoils some rows.
    """
    if facet in ("raised", "structure", "shape", "value") and got.raised is None and not got.ended:
        return 0.0 if other.raised else _value_likeness(case, got.value, other.value, expected.value)
    return float(_alike(facet, case, got, other, expected))


def _alike(facet: Facet, case: Case, got: Outcome, other: Outcome, expected: Outcome) -> bool:
    match facet:
        case "ended":
            return got.ended == other.ended
        case "raised" | "structure" | "shape" | "value":
            return got.raised is not None and other.raised is not None and _same_error(got.raised, other.raised)
    if got.ended or got.raised is not None:
        return False
    match facet:
        case "judged":
            return _verdict(case, got, expected) == _verdict(case, other, expected)
        case "dtype":
            mine, theirs = (list(_wrong_dtypes(o.value, expected.value, case.dtype)) for o in (got, other))
            return mine == theirs
        case "gradient":
            same = _gradients_alike(got.gradients or {}, other.gradients or {})
            return same and bool(got.gradient_error) == bool(other.gradient_error)
        case "changed":
            return got.changed == other.changed
        case "again":
            return worst(got.again, got.value) > 0
        case "forbidden":
            return bool(set(got.seen) & set(other.seen))
    return True  # "largest": too large is too large


def _same_error(mine: Raised, theirs: Raised) -> bool:
    if mine.type != theirs.type:
        return False
    if _speaks_of_a_tuple(mine) != _speaks_of_a_tuple(theirs):
        return False
    # Of a state_dict that does not fit, the message lists the layers: other layers are another mistake.
    if "state_dict" in mine.message or "state_dict" in theirs.message:
        return mine.message.partition("\n")[2] == theirs.message.partition("\n")[2]
    return True


def _speaks_of_a_tuple(raised: Raised) -> bool:
    """A tuple was used as a tensor. The second is what ``pair * tensor`` says; signatures have a tuple *of* ints."""
    said = raised.message.partition("expected one of")[0]
    return bool(re.search(r"\btuple\b(?! of)", said)) or "can be converted to an index" in said


def _verdict(case: Case, outcome: Outcome, expected: Outcome) -> Text | None:
    assert case.judge is not None
    if not _all_finite(outcome.value) and _all_finite(expected.value):  # every comparison with NaN is false
        return Text("What comes back holds NaN or infinity.", "返回值中有 NaN 或无穷。")
    try:
        return case.judge(outcome.value, expected.value)
    except Exception:
        return Text("What comes back has not the form asked for.", "返回值的形式不符合要求。")


def _all_finite(value: Any) -> bool:
    return all(map(_finite, (leaf for _, leaf in leaves(value))))


def _finite(leaf: Any) -> bool:
    if isinstance(leaf, Tensor):
        return bool(leaf.isfinite().all())
    return not isinstance(leaf, float) or math.isfinite(leaf)


def _value_likeness(case: Case, got: Any, other: Any, expected: Any) -> float:
    allowed = max(tolerance_of(case.dtype, case.tolerance), 1e-3)
    if worst(got, other) <= allowed:
        return 1.0
    if any(isinstance(mine, str) and mine != theirs for _, mine, theirs in together(got, other, _same_length)):
        return 0.0  # What is said in words says more than how many entries beside it are alike.
    wrong = alike = right = spoilt = 0
    for (_, mine), (_, theirs), (_, truth) in zip(tensors(got), tensors(other), tensors(expected), strict=False):
        if not (mine.shape == theirs.shape == truth.shape):
            return 0.0
        tells = ~entries_close(theirs, truth, allowed)
        wrong += int(tells.sum())
        alike += int((tells & entries_close(mine, theirs, allowed)).sum())
        right += int((~tells).sum())
        spoilt += int((~tells & ~entries_close(mine, truth, allowed)).sum())
    if wrong == 0 or spoilt > 0.2 * right:
        return 0.0
    return min(alike / wrong, 0.99)


def _gradients_alike(mine: dict[str, Tensor | None], other: dict[str, Tensor | None]) -> bool:
    for name, theirs in other.items():
        found = mine.get(name)
        if (found is None) != (theirs is None):
            return False
        if found is not None and theirs is not None and worst(found, theirs) > 1e-3:
            return False
    return True
