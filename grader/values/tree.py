"""Walks nested results: tuples, lists and dictionaries, with tensors and plain values as leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

Path = tuple[int | str, ...]
"""The indices and keys that lead to a part of a result."""


def leaves(tree: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every leaf with its path, in order."""
    if isinstance(tree, tuple | list | dict):
        for step, part in _parts(tree):
            yield from leaves(part, (*path, step))
    else:
        yield path, tree


def tensors(tree: Any) -> Iterator[tuple[Path, Tensor]]:
    """Every tensor with its path, in order."""
    return ((path, leaf) for path, leaf in leaves(tree) if isinstance(leaf, Tensor))


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """The same structure with ``function(leaf)`` for every leaf."""
    return map_paths(lambda _, leaf: function(leaf), tree)


def map_paths(function: Callable[[Path, Any], Any], tree: Any, path: Path = ()) -> Any:
    """The same structure with ``function(path, leaf)`` for every leaf."""
    if isinstance(tree, tuple):
        return tuple(map_paths(function, part, (*path, step)) for step, part in _parts(tree))
    if isinstance(tree, list):
        return [map_paths(function, part, (*path, step)) for step, part in _parts(tree)]
    if isinstance(tree, dict):
        return {step: map_paths(function, part, (*path, step)) for step, part in _parts(tree)}
    return function(path, tree)


def together(
    mine: Any, other: Any, alike: Callable[[Any, Any], bool], path: Path = ()
) -> Iterator[tuple[Path, Any, Any]]:
    """Two results side by side, pair by pair. Where they have not the same structure, the walk goes no deeper.

    ``alike(mine, other)`` is asked of parts that are both sequences or both dictionaries.
    """
    sequences = isinstance(mine, tuple | list) and isinstance(other, tuple | list)
    dictionaries = isinstance(mine, dict) and isinstance(other, dict)
    if not (sequences or dictionaries) or not alike(mine, other):
        yield path, mine, other
        return
    found = dict(_parts(mine))
    for step, part in _parts(other):
        if step in found:
            yield from together(found[step], part, alike, (*path, step))


def at(tree: Any, path: Path) -> Any:
    """The part that a path leads to.

    Raises:
        LookupError, TypeError: there is none.
    """
    for step in path:
        tree = tree[step]
    return tree


def shown(path: Path) -> str:
    """A path as it is written in Python: ``[0]['a']``."""
    return "".join(f"[{step!r}]" for step in path)


def _parts(tree: Any) -> Iterator[tuple[Any, Any]]:
    return iter(tree.items()) if isinstance(tree, dict) else enumerate(tree)
