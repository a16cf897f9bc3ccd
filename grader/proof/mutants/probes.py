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
from grader.proof.mutants.circumstances import DRAWS, circumstances, dropping, is_module
from grader.proof.mutants.unseen import LONG, Unseen, arguments_of
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
PLAIN_EACH = 2
"""How many of a target's plain cases are also asked in other circumstances."""
SPREAD_TOLERANCE = 0.5
"""Of means and deviations of many draws, relative to the largest."""
SEEDS = (4711, 12, 13, 14, 15)
"""After which what is random has to be right, to be asked at all."""


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
        self.long_left = 0

    def all(self) -> Iterator[Question]:
        own = [question for question in self.key.questions if question.base is None]
        for target in dict.fromkeys(question.call.target for question in own):
            asked = [question for question in own if question.call.target == target]
            plain_left, dropped, self.long_left = PLAIN_EACH, False, LONG_EACH
            for question in asked:
                if question.summary:  # made for these sizes
                    yield from self._question(question, "other numbers", self.unseen.resized(question.call, {}))
                    continue
                if self._draws(question.call):
                    yield from self._by_chance(question)
                    continue
                resized = list(self._resized(question))
                yield from resized
                elsewhere = asking(self.unseen.resized(question.call, {}), "elsewhere_by_default")
                yield from self._question(question, "another device by default", elsewhere)
                yield from self._other_words(question, asked)
                yield from self._other_options(question)
                is_plain = question.is_plain and question.call.probe is None
                if is_plain and resized:
                    yield from self._question(question, "in bfloat16", resized[0].call.cast("bfloat16"))
                if is_plain and plain_left and resized:
                    plain_left -= 1
                    yield from self._in_circumstances(question, resized)
                    if is_module(question.call, self.scope) and not dropped:
                        dropped = True
                        for reason, call in dropping(resized[0].call, self.scope):
                            tolerance = SPREAD_TOLERANCE if reason.startswith("many") else None
                            yield from self._question(question, reason, call, tolerance)

    def _question(
        self, question: Question, reason: str, call: Call, tolerance: float | None = None
    ) -> Iterator[Question]:
        """The question, if it makes sense."""
        if any(tensor.numel() > LARGEST for _, tensor in tensors((call.args, call.kwargs))):
            return
        if call.init is not None and question.call.state is not None and call.state is None:
            state = self._state(call, reason)
            if state is None:
                return
            call = replace(call, state=state)
        wide = replace(call.cast("float64"), watched=())
        right = replace(question, call=wide).summed_up(run_call(wide, self.scope))
        reason = f"{question.reason}: {reason}"
        tolerance = question.tolerance if tolerance is None else tolerance / MARGIN
        asked = replace(question, reason=reason, call=call, right=right, max_elements=None, tolerance=tolerance)
        if right.raised is not None:
            error = next((base for base in right.raised.bases if base in self.errors), None)
            if error is None:
                return
            asked = replace(asked, raises=error)
        elif question.raises is not None or not _finite(right):
            return
        if any(tensor.numel() > LARGEST for _, tensor in tensors(right.value)):
            return
        if not problems_of(0, asked, asked.summed_up(run_call(call, self.scope))):
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
                options: dict[str, Any] = {field: {**kwargs, name: value}}
                yield from self._question(question, f"{name}={value}", replace(call, **options))

    def _in_circumstances(self, question: Question, resized: Sequence[Question]) -> Iterator[Question]:
        base = next((other for other in resized if "sizes" in other.reason), resized[0]).call
        for reason, call in circumstances(base, self.scope, self.unseen):
            if call.train and self._draws(call):
                continue
            yield from self._question(question, reason, call)

    def _by_chance(self, question: Question) -> Iterator[Question]:
        """What is random is compared in the mean over many draws, or by what its case says, after another seed."""
        call = question.call
        if question.is_plain and call.probe is None:
            drawn = asking(self.unseen.resized(call, {}), "spread", DRAWS)
            yield from self._question(question, "many draws", drawn, SPREAD_TOLERANCE)
            return
        if not self._is_random(call):  # whatever is drawn, it says the same; sizes are chosen for that
            yield from self._question(question, "other numbers", self.unseen.resized(call, {}))
            return
        seeded = [asking(call, "reseeded", seed) for seed in SEEDS]
        asked = [found for other in seeded for found in self._question(question, "another seed", other)]
        if len(asked) == len(SEEDS):  # right whatever is drawn
            yield asked[0]

    def _draws(self, call: Call) -> bool:
        """Whether random numbers are drawn, even where its probe says the same of all of them."""
        in_training = call.train and call.probe is not None and bool(call.args)
        return self._is_random(call) or (in_training and self._is_random(replace(call, probe=None)))

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
