"""What ``check`` was given: which object answers which name that the exercise asks for."""

from __future__ import annotations

import functools
import inspect
import keyword
import re
import textwrap
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from grader.course.key import Question

Namespace = Mapping[str, Any]


def names_of(target: Any, calling: Namespace) -> list[str]:
    """What an object may be called: its own name, the names that the caller has for it, and its class's.

    Raises:
        ValueError: it cannot be called.
    """
    if not callable(target):
        raise ValueError(f"check() takes the function or class itself, not {type(target).__name__}")
    names = [str(getattr(target, "__name__", ""))]
    names += [name for name, value in calling.items() if value is target and not name.startswith("_")]
    if isinstance(target, functools.partial):
        names += [str(getattr(target.func, "__name__", ""))]
    elif not _is_plain(target):
        names += [type(target).__name__]
    return [name for name in dict.fromkeys(names) if name.isidentifier()]


def assigned(
    given: tuple[Any, ...], wanted: tuple[str, ...], questions: Collection[Question], calling: Namespace
) -> dict[str, Any]:
    """The objects given, by the targets that they are graded as.

    One that has a target's name is graded as that; another as the first target of its kind, class or function, that
    none of the others is.
    """
    classes = {question.call.target for question in questions if question.call.init is not None}
    found: dict[str, Any] = {}
    nameless = []
    for target in given:
        named = next((name for name in names_of(target, calling) if name in wanted and name not in found), None)
        if named is None:
            nameless.append(target)
        else:
            found[named] = target
    for target in nameless:
        free = [name for name in wanted if name not in found]
        alike = [name for name in free if (name in classes) == isinstance(target, type)]
        if free:
            found[(alike or free)[0]] = target
    # An object of a class that is asked for stands for its class.
    return {
        name: type(target) if name in classes and not callable_as_class(target) else target
        for name, target in found.items()
    }


def callable_as_class(target: Any) -> bool:
    """True for what makes objects when it is called: a class, or a function that returns one."""
    return isinstance(target, type) or _is_plain(target) or isinstance(target, functools.partial)


def globals_of(target: Any, calling: Namespace) -> Namespace:
    """The namespace that an object's code lives in, as far as it tells."""
    inner = target.func if isinstance(target, functools.partial) else target
    found = getattr(inspect.unwrap(inner) if callable(inner) else inner, "__globals__", None)
    return found if isinstance(found, dict) else calling


def sources_of(targets: Collection[str], scope: Namespace, calling: Namespace) -> Iterator[str]:
    """The text of each target's definition, where it can be had, under the name that is asked for."""
    for name in targets:
        try:
            text = textwrap.dedent(inspect.getsource(scope[name]))
        except (KeyError, TypeError, OSError, IndentationError):
            continue
        own = next((known for known in names_of(scope[name], calling) if f"{known}" in text), name)
        yield text if own == name else f"{text}\n{name} = {own}\n"


def surroundings(targets: Collection[str], scope: Namespace) -> str:
    """Code that says of the other names in a namespace what they are, as far as it matters: which module, or none."""
    lines = []
    for name, value in scope.items():
        if name.isidentifier() and not keyword.iskeyword(name) and name not in targets:
            is_module = inspect.ismodule(value) and re.fullmatch(r"\w+(\.\w+)*", value.__name__)
            lines.append(f"import {value.__name__} as {name}" if is_module else f"{name} = None")
    return "\n".join(lines)


def _is_plain(target: Any) -> bool:
    return isinstance(target, type) or inspect.isroutine(target)
