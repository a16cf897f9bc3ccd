"""The same call by other roads, and calls like it: in other sizes, other orders, with larger numbers."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from grader.course.derived import probes, summaries
from grader.course.derived.asking import (
    Reference,
    alone,
    arguments,
    names_of,
    probing,
    question,
    sizes_shown,
)
from grader.course.key import Question
from grader.course.resizing import Redrawn, Sizes, sizes_in
from grader.values.compare import worst
from grader.values.tree import leaves, map_leaves, tensors
from grader.wire.calls import Call

SIZES, STRIDED, LARGE = "other sizes and orders", "every tensor strided in memory", "inputs thirty times as large"
"""Their reasons, by which an exercise says that it does without one."""
FIRST_ALONE, LAST_ALONE, REVERSED = "first alone", "last alone", "in reverse"
"""What calls are called that differ in something else than sizes."""
LONG = 301
"""Positions: more than eight bits can count, which is all that bfloat16 has."""
LARGEST = 100_000
"""Entries of a tensor in a long call."""
POSITIONS = {"arange", "tril", "triu", "cumsum", "range"}
"""By what code makes positions."""


def asked(questions: Sequence[Question], bases: Sequence[int], reference: Reference) -> Iterator[Question]:
    """The questions about one target."""
    with_masks = _with_and_without_a_mask(questions, bases)
    for base in with_masks:
        call = questions[base].call
        likes = (*_batches(call, reference), *_other_sizes(call, reference))
        calls = {name: arguments(like) for name, like in likes}
        if calls:
            yield from question(questions, base, SIZES, "shape", probing(call, probes.in_turn, calls), reference)
        if base == with_masks[-1] and any(tensors(arguments(call))):
            strided = probing(call, probes.strided, *arguments(call))
            yield from question(questions, base, STRIDED, "shape", strided, reference)
    yield from _large(questions, bases[0], reference)


def _with_and_without_a_mask(questions: Sequence[Question], bases: Sequence[int]) -> list[int]:
    """The first base, and the first that has a mask if that has none, or none if that has one."""
    other = (i for i in bases if _has_mask(questions[i].call) != _has_mask(questions[bases[0]].call))
    return [bases[0], *list(other)[:1]]


def _has_mask(call: Call) -> bool:
    return any(x.dtype == torch.bool for _, x in tensors(arguments(call)))


def _batches(call: Call, reference: Reference) -> Iterator[tuple[str, Call]]:
    """Items alone and in reverse order, along the first axis if items there have nothing to do with each other."""
    whole = [x for _, x in tensors(reference.right(alone(call)).value)]
    count = whole[0].shape[0] if whole and whole[0].dim() else 0
    if count < 2 or any(x.dim() == 0 or x.shape[0] != count for x in whole):
        return
    for name, items in ((FIRST_ALONE, [0]), (LAST_ALONE, [count - 1]), (REVERSED, list(range(count))[::-1])):
        some = _choosing(call, count, items)
        if not reference.stands(some):
            return
        found = [x for _, x in tensors(reference.right(some).value)]
        if worst(found, [x[items] for x in whole]) > 1e-6:
            return
        yield name, some


def _choosing(call: Call, count: int, items: list[int]) -> Call:
    def choose(value: Any) -> Any:
        return value[items] if isinstance(value, Tensor) and value.dim() and value.shape[0] == count else value

    return replace(alone(call), args=map_leaves(choose, call.args), kwargs=map_leaves(choose, call.kwargs))


def _other_sizes(call: Call, reference: Reference) -> Iterator[tuple[str, Call]]:
    """Each size in turn as 1, as many as possible alike, and where positions are made one at a time very long."""
    free = sorted(sizes_in(call) - _said(call))
    resizes: list[Sizes] = [{size: 1} for size in free]
    resizes += as_many_alike(call, free, lambda sizes: reference.stands(resized(call, sizes)))
    if makes_positions(reference.text):
        resizes += [{other: LONG if other == size else 1 for other in free} for size in free]
    for sizes in resizes:
        like = resized(call, sizes)
        small = all(x.numel() <= LARGEST for _, x in tensors(arguments(like)))
        if like is not call and small and reference.stands(like):
            yield sizes_shown(like), like


def numbers(*parts: Any) -> set[int]:
    """The whole numbers above 1 among arguments."""
    return {one for _, one in leaves(parts) if type(one) is int and one > 1}


def sizes_built(call: Call) -> set[int]:
    """The sizes that a module is built with."""
    return numbers(call.init or (), call.init_kwargs)


def _said(call: Call) -> set[int]:
    """Sizes that hang on a number among the arguments: that number, or as many places as it reaches to both sides."""
    said = sizes_built(call) | numbers(*arguments(call))
    return said | {2 * one + 1 for one in said}


def resized(call: Call, sizes: Sizes) -> Call:
    """A call in other sizes, with the state that it has.

    It is the call itself where a mask would hide more than before, or what divides another no longer would.
    """
    like = replace(Redrawn(str(sorted(sizes.items()))).resized(alone(call), sizes), state=call.state)
    smallest = min([new for old, new in sizes.items() if new < old], default=None)

    def bounded(value: Any) -> Any:
        """Lengths and indices stay within what they are lengths of."""
        counts = isinstance(value, Tensor) and not value.is_floating_point() and value.dtype != torch.bool
        return value.clamp(max=smallest) if counts and smallest is not None else value

    like = replace(like, args=map_leaves(bounded, like.args), kwargs=map_leaves(bounded, like.kwargs))
    return call if _hides_more(call, like) or not _divides_as_before(call, sizes) else like


def _divides_as_before(call: Call, sizes: Sizes) -> bool:
    """Whether each number among the arguments that divides another still does: heads divide dimensions."""
    said = sizes_built(call) | numbers(*arguments(call))
    return not any(a % b == 0 and sizes.get(a, a) % sizes.get(b, b) for a in said for b in said)


def _hides_more(call: Call, like: Call) -> bool:
    """Whether a mask has rows that are True or False throughout, as it had none before."""
    before = dict(tensors(arguments(call)))
    return any(
        x.dtype == torch.bool and x.dim() and _rows(x) - _rows(before[path]) for path, x in tensors(arguments(like))
    )


def _rows(mask: Tensor) -> set[bool]:
    """What whole rows of a mask are."""
    return {value for value, whole in ((True, mask.all(-1)), (False, ~mask.any(-1))) if bool(whole.any())}


def as_many_alike(call: Call, free: Sequence[int], may_be: Callable[[Sizes], bool]) -> list[Sizes]:
    """The sizes that may be equal, all that can be at once; none where nothing can be."""
    best: dict[int, int] = {}
    for common in sorted(sizes_in(call)):
        found: dict[int, int] = {}
        for size in free:
            wider = {**found, size: common}
            if size != common and may_be(wider):
                found = wider
        if len(found) > len(best):
            best = found
    return [best] if best else []


def makes_positions(text: str) -> bool:
    """Whether code counts positions."""
    named = {
        node.attr if isinstance(node, ast.Attribute) else node.id
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute | ast.Name)
    }
    return bool(named & POSITIONS)


def _large(questions: Sequence[Question], base: int, reference: Reference) -> Iterator[Question]:
    call = questions[base].call
    names = names_of(call)
    given = [*enumerate(names), *((name, name) for name in call.kwargs)]
    answers = [
        ask(probing(call, probes.thirty_times, given, *arguments(call))).value
        for ask in (reference.right, reference.same)
    ]
    finite = [summaries.what_is_finite(answer, given, (), {}) for answer in answers if isinstance(answer, dict)]
    if len(finite) < len(answers):
        return
    stand = [(key, name) for key, name in given if all(all(one.get(name, {"": False}).values()) for one in finite)]
    if stand:
        large = probing(call, probes.thirty_times, stand, *arguments(call))
        yield from question(questions, base, LARGE, "numerics", large, reference, summaries.what_is_finite)
