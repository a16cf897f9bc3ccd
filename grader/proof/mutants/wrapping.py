"""Wrong ways to call a right answer: the reference as it is, with its targets wrapped."""

from __future__ import annotations

from collections.abc import Iterable

_PRELUDE = '''

import copy as _copy
import functools as _functools


def _leaves(tree):
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, (tuple, list)):
        return [leaf for part in tree for leaf in _leaves(part)]
    return [tree]


def _changed(change, tree):
    if isinstance(tree, dict):
        return {key: _changed(change, part) for key, part in tree.items()}
    if isinstance(tree, (tuple, list)):
        return type(tree)(_changed(change, part) for part in tree)
    return change(tree)


def _tensors(*trees):
    import torch
    return [leaf for tree in trees for leaf in _leaves(tree) if isinstance(leaf, torch.Tensor)]


def _floats(*trees):
    return [tensor for tensor in _tensors(*trees) if tensor.is_floating_point()]


def _numbers(change, tree):
    """Changes the tensors of floating-point numbers, or plain floats, of a tree."""
    import torch
    def one(leaf):
        is_number = leaf.is_floating_point() if isinstance(leaf, torch.Tensor) else isinstance(leaf, float)
        return change(leaf) if is_number else leaf
    return _changed(one, tree)


def _wrapped(right, how):
    if isinstance(right, type):
        class Wrapped(right):
            def forward(self, *args, **kwargs):
                return how(super().forward, self, self.__dict__.setdefault("_kept", {}), args, kwargs)
        Wrapped.__name__ = right.__name__
        return Wrapped
    kept = {}
    return _functools.wraps(right)(lambda *args, **kwargs: how(right, None, kept, args, kwargs))


'''


def wrapped(reference: str, targets: Iterable[str], body: str) -> str:
    """The reference, each of its targets called by ``_how(right, module, kept, args, kwargs)``.

    Args:
        reference: the code.
        targets: names of functions and classes; other values stay as they are.
        body: of ``_how``, indented by nothing. ``module`` is None for a function; ``kept`` lasts from call to call.
    """
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    how = f"def _how(right, module, kept, args, kwargs):\n    import torch\n{lines}\n\n\n"
    calls = "\n".join(f"{target} = _wrapped({target}, _how) if callable({target}) else {target}" for target in targets)
    return f"{reference}{_PRELUDE}{how}{calls}\n"
