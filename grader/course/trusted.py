"""Runs an author's code in this process: a reference, a variant of it, a summary, a fault."""

from __future__ import annotations

import linecache
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from threading import RLock
from typing import Any

import torch
from torch import Tensor

from grader.child.cells import new_scope
from grader.child.execute import describe, detached, perform
from grader.values.tree import leaves, map_leaves, tensors
from grader.wire.calls import Call, Opaque, Outcome

_one_at_a_time = RLock()
_FILE = "<cell 1>"
"""As what a submission of one cell is run as: what comes of both is compared."""


class CodeError(ValueError):
    """An author's code raises; the message says what."""


@contextmanager
def _trusted_run() -> Iterator[None]:
    """One at a time, since runs share torch's random state and graders are used by threads; and in silence, since a
    variant of a reference may do what torch warns of."""
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def scope_of(text: str) -> dict[str, Any]:
    """The namespace that code makes up.

    Raises:
        CodeError: it raises.
    """
    with _trusted_run():
        scope = new_scope()
        linecache.cache[_FILE] = (len(text), None, text.splitlines(keepends=True), _FILE)  # for inspect.getsource
        try:
            exec(compile(text, _FILE, "exec", dont_inherit=True), scope)
        except Exception as error:
            raise CodeError(f"{type(error).__name__}: {error}") from error
    return scope


def run_call(call: Call, scope: dict[str, Any]) -> Outcome:
    """Make one call."""
    with _trusted_run():
        return detached(perform(call, scope))


def shapes_in(value: Any) -> tuple[tuple[int, ...], ...]:
    """The shapes of the tensors in an answer, each once."""
    return tuple(dict.fromkeys(tuple(tensor.shape) for _, tensor in tensors(value)))


def summed_up(outcome: Outcome, summary: str, call: Call, shapes: Collection[tuple[int, ...]]) -> Outcome:
    """The outcome with what an author's function makes of its answer, and of the inputs, in place of the answer.

    Args:
        outcome: of the call.
        summary: the text of the function; nothing where the answer is compared as it is.
        call: what was called.
        shapes: those that tensors of an answer may have. Tensors of other shapes are not computed with: two that are
            cheap to send may be dear to broadcast against each other.
    """
    if not summary or outcome.ended or outcome.raised is not None:
        return outcome
    try:
        return replace(
            outcome,
            **{
                name: _summary_of(getattr(outcome, name), function_in(summary), call, shapes)
                for name in (("value", "again") if call.twice else ("value",))
            },
        )
    except Exception as error:
        return replace(outcome, raised=describe(error))


def _summary_of(value: Any, summary: Callable[..., Any], call: Call, shapes: Collection[tuple[int, ...]]) -> Any:
    what = next((leaf.what for _, leaf in leaves(value) if isinstance(leaf, Opaque)), None)
    if what is not None:
        raise TypeError(f"the answer holds {what}")
    other = next((shape for shape in shapes_in(value) if shape not in shapes), None)
    if other is not None:
        raise ValueError(f"the answer has the shape {other}, not {' or '.join(map(str, shapes))}")
    with torch.no_grad():
        return summary(value, *_copies(call.args), **_copies(call.kwargs))


def _copies(inputs: Any) -> Any:
    return map_leaves(lambda leaf: leaf.clone() if isinstance(leaf, Tensor) else leaf, inputs)


@lru_cache(maxsize=256)
def function_in(text: str) -> Callable[..., Any]:
    """The last function that a text defines."""
    names: dict[str, Any] = {}
    exec(compile(text, "<grading>", "exec", dont_inherit=True), names)
    found: Callable[..., Any] = next(value for value in reversed(names.values()) if callable(value))
    return found
