"""Questions that are in no case, to tell mutants that are equivalent to the reference from those that are not.

A question counts if the reference itself answers it rightly, with finite numbers; a mutant's answer is wrong where it
is so by far. Nothing here is compared with the
cases: what they ask about, and what the grader derives of them, may well be asked again, with other numbers.
"""

from __future__ import annotations

import inspect
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from grader.authoring.inputs import Inputs
from grader.course.authored import reference_state
from grader.course.key import AnswerKey, Question
from grader.course.trusted import run_call, scope_of
from grader.proof.mutants.asking import asking
from grader.proof.mutants.unseen import LONG, Unseen, arguments_of, changed, sizes_in, strided
from grader.proof.verify import MARGIN
from grader.values.compare import tolerance_of
from grader.values.tree import leaves, tensors
from grader.verdict.evidence import problems_of
from grader.wire.calls import Call, Outcome

SIZES_EACH = {"1": 1, "another": 1, "all": 1, "sizes": 2}
"""How many ways to resize each case are kept, by their sort."""
LONG_EACH = 2
"""How many long calls are kept for a target."""
TRIES = 12
"""For each sort, before it is given up: most sizes do not fit each other."""
MOST_PROBES = 120
"""Of an exercise."""
LARGEST = 20_000
"""Entries of a tensor in a probe, for the time that all of them take."""
DRAWS = 300
SPREAD_TOLERANCE = 0.5
"""Of means and deviations of so many draws, relative to the largest."""


def probes(key: AnswerKey) -> list[Question]:
    """Questions about inputs that no case has; the same in every run, and the most telling ones first."""
    found = list(_Asked(key).all())
    random.Random(key.exercise).shuffle(found)
    seen: Counter[str] = Counter()
    turns: list[tuple[int, int]] = []
    for question in found:
        sort = question.reason.rsplit(": ", 1)[-1].strip("0123456789")[:9]
        seen[sort] += 1
        turns.append((seen[sort], len(turns)))
    order = [place for _, place in sorted(turns)]  # one of each sort in turn
    return [found[place] for place in order[:MOST_PROBES]]


class _Asked:
    def __init__(self, key: AnswerKey) -> None:
        self.key, self.scope = key, scope_of(key.reference)
        self.unseen = Unseen(f"unseen {key.exercise}")
        self.errors = {question.raises for question in key.questions if question.raises}
        self.long_left = self.drops_left = 0

    def all(self) -> Iterator[Question]:
        own = [question for question in self.key.questions if question.base is None]
        for target in dict.fromkeys(question.call.target for question in own):
            asked = [question for question in own if question.call.target == target]
            plain_left, self.long_left, self.drops_left = 2, LONG_EACH, 1
            for question in asked:
                if self._is_random(question.call):
                    yield from self._by_chance(question)
                    continue
                resized = list(self._resized(question))
                yield from resized
                yield from self._other_words(question, asked)
                yield from self._other_options(question)
                is_plain = question.is_plain and question.call.probe is None
                if is_plain and plain_left and resized:
                    plain_left -= 1
                    yield from self._in_circumstances(question, resized)

    def _question(self, question: Question, reason: str, call: Call, **other: Any) -> Iterator[Question]:
        """The question, if it makes sense."""
        if any(tensor.numel() > LARGEST for _, tensor in tensors((call.args, call.kwargs))):
            return
        if call.init is not None and question.call.state is not None and call.state is None:
            state = self._state(call, reason)
            if state is None:
                return
            call = replace(call, state=state)
        right = run_call(replace(call.cast("float64"), watched=()), self.scope)
        reason = f"{question.reason}: {reason}"
        asked = replace(question, reason=reason, call=call, right=right, max_elements=None, **other)
        if right.raised is not None:
            error = next((base for base in right.raised.bases if base in self.errors), None)
            if error is None:
                return
            asked = replace(asked, raises=error)
        elif question.raises is not None or not _finite(right):
            return
        if any(tensor.numel() > LARGEST for _, tensor in tensors(right.value)):
            return
        if not problems_of(0, asked, run_call(call, self.scope)):
            yield replace(asked, tolerance=MARGIN * tolerance_of(call.dtype, asked.tolerance))

    def _state(self, call: Call, reason: str) -> dict[str, Tensor] | None:
        assert call.init is not None
        try:
            module = self.scope[call.target](*call.init, **call.init_kwargs)
        except Exception:
            return None
        return reference_state(module, Inputs(reason)) if isinstance(module, nn.Module) else None

    def _resized(self, question: Question) -> Iterator[Question]:
        left = {**SIZES_EACH, str(LONG): min(self.long_left, 1)}
        tried = dict.fromkeys(left, TRIES)
        yield from self._question(question, "other numbers", self.unseen.resized(question.call, {}))
        ways = list(self.unseen.some_sizes(question.call))
        self.unseen.rand.shuffle(ways)
        for reason, sizes in ways:
            sort = reason.split()[0] if reason.startswith(("all", "sizes")) else reason.split()[-1]
            sort = sort if sort in left else "another"
            if left[sort] > 0 and tried[sort] > 0:
                tried[sort] -= 1
                found = list(self._question(question, reason, self.unseen.resized(question.call, sizes)))
                left[sort] -= len(found)
                self.long_left -= len(found) if sort == str(LONG) else 0
                yield from found

    def _other_words(self, question: Question, alike: Sequence[Question]) -> Iterator[Question]:
        """The same with a word that another call has, or that none has."""
        call = self.unseen.resized(question.call, {})
        words = [i for i, value in enumerate(call.args) if isinstance(value, str)]
        for i in words[:1]:
            for word in sorted({*arguments_of([other.call for other in alike]), "unheard-of"} - {call.args[i]}):
                other = replace(call, args=(*call.args[:i], word, *call.args[i + 1 :]))
                yield from self._question(replace(question, raises=None), f"{word!r}", other)

    def _other_options(self, question: Question) -> Iterator[Question]:
        """The same with an argument, or one of the constructor, that was left to its default."""
        call = self.unseen.resized(question.call, {})
        defined = self.scope.get(call.target)
        if not callable(defined) or call.probe is not None:
            return
        args, kwargs = (call.args, call.kwargs) if call.init is None else (call.init, call.init_kwargs)
        field = "kwargs" if call.init is None else "init_kwargs"
        for place, (name, parameter) in enumerate(inspect.signature(defined).parameters.items()):
            default = parameter.default
            if place < len(args) or name in kwargs or type(default) not in (bool, int, float):
                continue
            for value in [not default] if type(default) is bool else [default + 1, default / 2 + 0.2]:
                if type(value) is not type(default):
                    continue
                options = {field: {**kwargs, name: value}}
                yield from self._question(question, f"{name}={value}", replace(call, **options))

    def _in_circumstances(self, question: Question, resized: Sequence[Question]) -> Iterator[Question]:
        base = next((other for other in resized if "sizes" in other.reason), resized[0]).call
        yield from self._other_numbers(question, base)
        plain = replace(base, gradients=False, twice=False)
        for probe in ("inference", "elsewhere_by_default"):
            yield from self._question(question, probe, asking(plain, probe))
        yield from self._question(question, "without gradients", asking(plain, "without_gradients", 0))
        yield from self._in_turn(question, base)
        if not isinstance(self.scope[base.target], type) or base.init is None:
            return
        yield from self._question(question, "after .double()", asking(plain, "after_conversion"))
        training = replace(base, train=True)
        if self._is_random(training):
            return
        yield from self._question(question, "training", training)
        turns = [True, False, False, True, False]
        yield from self._question(question, "modes", asking(plain, "through_modes", turns))
        if self.drops_left:
            self.drops_left -= 1
            yield from self._with_dropout(question, base)

    def _other_numbers(self, question: Question, base: Call) -> Iterator[Question]:
        for dtype in ("float64", "bfloat16"):
            yield from self._question(question, dtype, base.cast(dtype))
        yield from self._question(question, "another order of memory", changed(base, strided))
        plain = [id(tensor) for _, tensor in tensors((base.args, base.kwargs)) if tensor.is_floating_point()]
        for number, place in enumerate(plain):
            for factor in (0.02, 30.0):
                scaled = changed(base, lambda x, f=factor, at=place: x * f if id(x) == at else x)  # type: ignore[misc]
                yield from self._question(question, f"tensor {number} times {factor}", scaled)
        for said, value in (("zeros", 0.0), ("ones", 1.0)):
            same = changed(base, lambda x, v=value: torch.full_like(x, v) if x.is_floating_point() else x)  # type: ignore[misc]
            yield from self._question(question, said, same)
        masks = [tensor for _, tensor in tensors((base.args, base.kwargs)) if tensor.dtype == torch.bool]
        for number, mask in enumerate(masks):
            for said, other in self._masks(mask):
                swapped = changed(base, lambda x, at=mask, new=other: new if x is at else x)  # type: ignore[misc]
                yield from self._question(question, f"mask {number} {said}", swapped)

    def _masks(self, mask: Tensor) -> Iterator[tuple[str, Tensor]]:
        yield "all True", torch.ones_like(mask)
        yield "all False", torch.zeros_like(mask)
        if mask.dim():
            one = torch.rand(mask.shape, generator=self.unseen.torch) < 0.5
            yield "at random", one
            some = one | True
            some.view(-1, mask.shape[-1])[0] = False
            yield "with an empty row", some
            single = torch.zeros_like(mask)
            single[..., -1] = True
            yield "with one key", single

    def _in_turn(self, question: Question, base: Call) -> Iterator[Question]:
        """Calls on one object, some of them of other sizes: those that the constructor does not know."""
        fixed = {value for _, value in leaves((base.init or (), base.init_kwargs)) if type(value) is int}
        others = [base, *(self._same_object(base, fixed) for _ in range(3)), base]
        calls = [(other.args, other.kwargs) for other in others]
        yield from self._question(question, "calls in turn", asking(base, "in_turn", calls))
        same = [(other.args, other.kwargs) for other in (base, self.unseen.resized(base, {}), base)]
        yield from self._question(question, "calls of one shape in turn", asking(base, "in_turn", same))
        if base.kwargs:
            less = [(base.args, base.kwargs), (base.args, {}), (base.args, base.kwargs)]
            yield from self._question(question, "without keywords in between", asking(base, "in_turn", less))

    def _same_object(self, base: Call, fixed: set[Any]) -> Call:
        free = sorted(sizes_in(base) - fixed)
        call = base
        for size in free[:2]:
            smaller = self.unseen.resized(call, {size: max(1, size - 1)})
            alone = replace(smaller, state=base.state, gradients=False, twice=False)
            if run_call(alone, self.scope).raised is None:
                call = alone
        return call

    def _by_chance(self, question: Question) -> Iterator[Question]:
        """What is random is compared in the mean over many draws, or by what its case says, after another seed."""
        call = question.call
        if question.is_plain and call.probe is None:
            other = self.unseen.resized(call, {})
            yield from self._spread(question, "many draws", asking(other, "spread", DRAWS))
            return
        seeded = asking(call, "reseeded", 4711)
        if all(
            list(self._question(question, "other seeds", asking(call, "reseeded", seed))) for seed in (12, 13, 14, 15)
        ):
            yield from self._question(question, "another seed", seeded)

    def _with_dropout(self, question: Question, base: Call) -> Iterator[Question]:
        names = list(inspect.signature(self.scope[base.target]).parameters)
        given = len(base.init or ())
        for place, name in enumerate(names):
            if name.startswith("dropout") and place >= given:
                break
        else:
            return
        dropping = replace(base, init_kwargs={**base.init_kwargs, name: 0.4}, train=True, gradients=False, twice=False)
        yield from self._spread(question, "many draws", asking(dropping, "spread", DRAWS))
        for turns in ([False, True], [True, False, True], [False, False, True]):
            yield from self._spread(
                question, f"many draws after {turns}", asking(dropping, "after_modes", turns, DRAWS)
            )
        without = asking(dropping, "without_gradients", DRAWS)
        yield from self._spread(question, "many draws without gradients", without)
        settled = asking(replace(dropping, train=False), "through_modes", [False, True, False, False])
        yield from self._question(question, "evaluation among training", settled)

    def _spread(self, question: Question, reason: str, call: Call) -> Iterator[Question]:
        yield from self._question(question, reason, call, tolerance=SPREAD_TOLERANCE / MARGIN)

    def _is_random(self, call: Call) -> bool:
        plain = replace(call, gradients=False, twice=False, measure=False)
        first, other = (run_call(asking(plain, "reseeded", seed), self.scope) for seed in (1, 2))
        both = zip(leaves(first.value), leaves(other.value), strict=False)
        return any(
            not torch.equal(mine, right) if isinstance(mine, Tensor) and isinstance(right, Tensor) else mine != right
            for (_, mine), (_, right) in both
        )


def _finite(outcome: Outcome) -> bool:
    found = [tensor for _, tensor in tensors((outcome.value, outcome.gradients))]
    return all(bool(tensor.isfinite().all()) for tensor in found if tensor.is_floating_point())
