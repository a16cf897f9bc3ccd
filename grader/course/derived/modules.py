"""A module built in other sizes, trained without dropout, and moved to another dtype."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from grader.course.derived import probes, summaries
from grader.course.derived.asking import Reference, alone, arguments, probing, question
from grader.course.derived.circumstances import as_many_alike, resized, sizes_built
from grader.course.derived.state import has_float64, with_dropout
from grader.course.key import Question
from grader.course.resizing import Sizes, sizes_in
from grader.values.compare import worst
from grader.wire.calls import Call

BUILT, TRAINING, CONVERTED = "built in other sizes", "training mode without dropout", "after a change of dtype"
"""Their reasons, by which an exercise says that it does without one."""


def asked(questions: Sequence[Question], base: int, module: type, reference: Reference) -> Iterator[Question]:
    """The questions about one target."""
    call = alone(questions[base].call)
    for like in _other_sizes(call, reference):
        yield from question(questions, base, BUILT, "shape", like, reference)
    training = replace(with_dropout(call, module, 0.0), train=True)
    evaluating = reference.right(replace(training, train=False))
    if worst(reference.right(training).value, evaluating.value) == 0:
        yield from question(questions, base, TRAINING, "numerics", training, reference)
    if not has_float64(call):
        return
    converted = probing(call, probes.converted, *arguments(call))
    yield from question(questions, base, CONVERTED, "state", converted, reference, summaries.names_that_moved)


def _other_sizes(call: Call, reference: Reference) -> Iterator[Call]:
    """Each size that it is built with as 1, and all sizes alike as far as they may be."""

    def built(sizes: Sizes) -> Call | None:
        like = resized(call, sizes)
        fresh = None if like is call else reference.fresh(like)
        return fresh if fresh is not None and reference.stands(fresh) else None

    resizes: list[Sizes] = [{size: 1} for size in sorted(sizes_built(call))]
    resizes += as_many_alike(call, sorted(sizes_in(call)), lambda sizes: built(sizes) is not None)
    yield from filter(None, map(built, resizes))
