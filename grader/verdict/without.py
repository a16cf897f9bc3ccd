"""Sees that an answer is the one that would be right without one of the arguments: that argument has no effect."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from grader.course.key import AnswerKey, Question
from grader.course.trusted import CodeError, run_call, scope_of
from grader.values.compare import tolerance_of, worst
from grader.wire.calls import Call, Outcome


def without_effect(key: AnswerKey, question: Question, got: Outcome) -> str | None:
    """The name of an argument without which the answer would be right."""
    if not key.reference or not question.is_plain or question.call.probe is not None or got.value is None:
        return None
    allowed = tolerance_of(question.call.dtype, question.tolerance)
    for name, answer in _of_key(key).answers(question):
        is_used = answer.raised is None and worst(answer.value, question.right.value) > allowed
        if is_used and worst(got.value, answer.value) <= allowed:
            return name
    return None


class _Without:
    """The right answers to the questions of a key, each argument that may be left out left out; made when asked for."""

    def __init__(self, key: AnswerKey) -> None:
        self._reference = key.reference
        self._scope: dict[str, Any] | None = None
        self._made: dict[int, list[tuple[str, Outcome]]] = {}

    def answers(self, question: Question) -> list[tuple[str, Outcome]]:
        """The names of arguments, each with what is right without it."""
        if id(question) not in self._made:
            self._made[id(question)] = list(self._make(question.call))
        return self._made[id(question)]

    def _make(self, call: Call) -> Iterator[tuple[str, Outcome]]:
        try:
            self._scope = self._scope or scope_of(self._reference)
        except CodeError:
            return
        called = self._scope.get(call.target)
        if call.init is not None:
            called = getattr(called, "forward", None)
        if called is None:
            return
        wide = replace(call.cast("float64"), gradients=False, twice=False, measure=False, watched=(), device="cpu")
        for name, parameter in inspect.signature(called).parameters.items():
            if parameter.default is parameter.empty:
                continue
            if name in call.kwargs:
                kept = {other: value for other, value in wide.kwargs.items() if other != name}
                yield name, run_call(replace(wide, kwargs=kept), self._scope)
            elif name in call.names[: len(call.args)]:
                args = list(wide.args)
                args[call.names.index(name)] = parameter.default
                yield name, run_call(replace(wide, args=tuple(args)), self._scope)


_of_keys: WeakKeyDictionary[AnswerKey, _Without] = WeakKeyDictionary()


def _of_key(key: AnswerKey) -> _Without:
    if key not in _of_keys:
        _of_keys[key] = _Without(key)
    return _of_keys[key]
