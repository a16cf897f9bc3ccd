"""Takes forbidden operations away while graded calls are made, below Python.

An operation of PyTorch's that has a forbidden name loses its kernels: whoever reaches it (`torch.ops`, a script,
another library, another thread) meets the same wall, whatever name it has in the code. A function or class of PyTorch's
Python code loses its body, so that copies of the name lose it, too. Code of the submission that has such a name is left
alone.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from types import FunctionType
from typing import Any

import torch

_KERNELS = (
    *("CPU", "CUDA", "MPS", "NestedTensorCPU", "NestedTensorCUDA"),
    *("CompositeImplicitAutograd", "CompositeExplicitAutograd", "CompositeImplicitAutogradNestedTensor"),
    *("FuncTorchBatchedDecomposition", "FuncTorchVmapMode"),
)
"""Where the kernels that compute something are registered; all others only lead to these."""
_MODULES = (
    *("torch.nn.functional", "torch.nn", "torch.nn.utils", "torch.utils.checkpoint"),
    *("torch.nn.attention.flex_attention", "torch._higher_order_ops.flex_attention"),
)
"""Where PyTorch's ready-made operations are found that are written in Python."""


class ForbiddenOperationError(RuntimeError):
    """A forbidden operation was called."""


touched: set[str] = set()
"""The forbidden names that were called."""
_away: set[str] = set()


def touch(name: str) -> None:
    """Note that a forbidden operation was called.

    Raises:
        ForbiddenOperationError: always.
    """
    touched.add(name)
    raise ForbiddenOperationError(f"{name} is not there: this exercise asks you to write that operation yourself")


@contextmanager
def taken_away(names: Collection[str]) -> Iterator[None]:
    """Have the operations with these names not there, in the whole process, for as long as the context lasts."""
    names = [name for name in names if name not in _away]
    if not names:
        yield
        return
    library = torch._C._dispatch_library("IMPL", "aten", "", __file__, 0)
    emptied = []
    try:
        _away.update(names)
        with warnings.catch_warnings():  # that a kernel is replaced
            warnings.simplefilter("ignore")
            for name in names:
                for kernel in _kernels(name):
                    library.impl(name, kernel, _wall(name))
        for name in names:
            for function in _functions(name):
                emptied.append((function, function.__code__))
                function.__code__ = _wall(name).__code__
        yield
    finally:
        for function, code in emptied:
            function.__code__ = code
        del library  # which puts the kernels back
        _away.difference_update(names)


@cache
def _wall(name: str) -> Any:
    """A function that stands where the operation was; it uses no globals, since its code runs among those of others."""
    text = f"def {name}(*args, **kwargs):\n    from grader.child.forbidden import touch\n    touch({name!r})\n"
    scope: dict[str, Any] = {}
    exec(compile(text, __file__, "exec"), scope)
    return scope[name]


@cache
def _kernels(name: str) -> tuple[str, ...]:
    operation = f"aten::{name}"
    if not torch._C._dispatch_has_kernel(operation):
        return ()
    has = torch._C._dispatch_has_kernel_for_dispatch_key
    return tuple(kernel for kernel in _KERNELS if has(operation, kernel))


def _functions(name: str) -> list[FunctionType]:
    """Python functions behind a name of PyTorch's: itself, the ``forward`` of its objects, what it does when called."""
    found: dict[int, FunctionType] = {}
    for module in _MODULES:
        thing = getattr(sys.modules.get(module), name, None)
        if isinstance(thing, type):
            thing = inspect.getattr_static(thing, "forward", None)
            thing = getattr(thing, "__func__", thing)
        elif callable(thing) and not inspect.isroutine(thing):
            thing = type(thing).__call__
        innermost = inspect.unwrap(thing) if callable(thing) else None
        if isinstance(innermost, FunctionType) and not innermost.__closure__:
            found[id(innermost)] = innermost
    return list(found.values())
