"""Runs the learner's code: its cells once, then the calls that the grader asks for.

This file runs beside the learner's code, in the sandboxed child or in the learner's own kernel. It knows the inputs of
a call and nothing else: no expected value, no tolerance, no points.
"""

from __future__ import annotations

import re
import traceback
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from grader.child.forbidden import taken_away, touched
from grader.child.quota import SCRATCH
from grader.child.standin import MissingLibraryError, StandIn
from grader.values.tree import Path, leaves, map_leaves, map_paths, tensors
from grader.wire.bounds import MAX_TEXT
from grader.wire.calls import Call, MissingTargetError, Outcome, Raised

ERRORS: tuple[type[BaseException], ...] = (Exception, SystemExit, GeneratorExit)
"""What the learner's code may raise at the cost of one call. In a kernel or at a terminal, Ctrl-C stays a person's;
in the child nobody presses it, and every `BaseException` is caught."""


def describe(error: BaseException) -> Raised:
    """An exception as plain data. Its own ``__str__`` may lie or fail, and is only quoted."""
    try:
        message = str(error)
    except BaseException:
        message = "(an exception whose message cannot be read)"
    line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else None
    cell = None
    for frame, at in traceback.walk_tb(error.__traceback__):
        name = frame.f_code.co_filename
        if name.startswith(("<cell", "<ipython")) or _OF_A_KERNEL.search(name):
            line, cell = at, cell_of(name)
    bases = tuple(base.__name__ for base in type(error).__mro__)
    text = _without_what_varies(str(message))[:MAX_TEXT]
    return Raised(type(error).__name__, bases, text, line if type(line) is int else None, cell)


_OF_A_KERNEL = re.compile(r"[/\\]ipykernel_\d+[/\\]\d+\.py$")
"""Names that Jupyter's kernel gives to the code of cells: files in the system's temporary folder, never written."""


def cell_of(file: str) -> int | None:
    """The number of the cell whose code a file name stands for."""
    found = re.fullmatch(r"<cell (\d{1,6})>", file)
    return int(found[1]) if found else None


_VARYING = (
    (re.compile(r"\b0x[0-9a-fA-F]{6,}"), "0x…"),
    (re.compile(rf"(?:/[\w.-]+)*/{SCRATCH}\w+/?"), ""),
    (re.compile(rf"\b[A-Za-z]:(?:\\{{1,2}}[^\\/:*?\"<>|\n]+)*\\{{1,2}}{SCRATCH}\w+(?:\\{{1,2}})?"), ""),  # on Windows
    (re.compile(r"\btmp[a-z0-9_]{8}\b"), "tmp…"),
    (re.compile(r" \((?:/[^()\n]*|[A-Za-z]:\\[^\n]*|unknown location)\)$"), ""),
)


def _without_what_varies(message: str) -> str:
    """The text without what differs from run to run or from place to place.

    That is where objects lie in memory, the scratch folder and the names of files that pass, and the file of a module
    from which something cannot be imported.
    """
    for pattern, instead in _VARYING:
        message = pattern.sub(instead, message)
    return message


def perform(call: Call, scope: dict[str, Any], errors_caught: tuple[type[BaseException], ...] = ERRORS) -> Outcome:
    """Make one call in the learner's namespace and observe it."""
    outcome = Outcome()
    touched.clear()
    with taken_away(call.watched):
        try:
            _observe(call, scope, outcome)
        except errors_caught as error:
            outcome.raised = describe(error)
    outcome.seen = sorted(touched)
    return outcome


def _observe(call: Call, scope: dict[str, Any], outcome: Outcome) -> None:
    target = _target(call, scope)
    args, kwargs, named = _fresh_inputs(call)
    before = {name: tensor.detach().clone() for name, tensor in named.items()}
    with _Sizes() if call.measure else nullcontext() as sizes:
        outcome.value = _invoke(call, target, args, kwargs)
    outcome.largest = sizes.largest if sizes else 0
    outcome.changed = [name for name, tensor in named.items() if not _same(tensor.detach(), before[name])]
    outcome.devices = sorted({tensor.device.type for _, tensor in tensors(outcome.value)})
    if call.gradients:
        _backward(outcome, named, target)
    if call.twice:
        args, kwargs, _ = _fresh_inputs(call)
        outcome.again = _invoke(call, target, args, kwargs)


def _target(call: Call, scope: dict[str, Any]) -> Any:
    if isinstance(scope.get(call.target), StandIn):
        raise MissingLibraryError(scope[call.target])
    if call.target not in scope:
        raise MissingTargetError(f"name {call.target!r} is not defined")
    target = scope[call.target]
    if call.init is None:
        return target
    seed(1, call.device)
    module = target(*call.init, **call.init_kwargs)
    if isinstance(module, nn.Module):
        module = module.to(dtype=getattr(torch, call.dtype), device=call.device).train(call.train)
        if call.state is not None:
            module.load_state_dict(call.state, strict=True)
    return module


def _fresh_inputs(call: Call) -> tuple[Any, Any, dict[str, Tensor]]:
    """Copies of the inputs on the call's device, and those that get gradients or may be changed, by name."""
    named: dict[str, Tensor] = {}

    def copy(value: Any, name: str) -> Any:
        if not isinstance(value, Tensor):
            return value
        fresh = value.detach().clone(memory_format=torch.preserve_format).to(call.device)
        if call.gradients and fresh.is_floating_point():
            fresh.requires_grad_()
        named[name] = fresh
        return fresh

    def copies(value: Any, name: str) -> Any:
        def named_copy(path: Path, leaf: Any) -> Any:
            return copy(leaf, name + "".join(f"[{step}]" for step in path))

        return map_paths(named_copy, value)

    names = (*call.names, *(f"[{i}]" for i in range(len(call.names), len(call.args))))
    args = tuple(copies(value, name) for name, value in zip(names, call.args, strict=False))
    kwargs = {key: copies(value, key) for key, value in call.kwargs.items()}
    return args, kwargs, named


def _invoke(call: Call, target: Any, args: Any, kwargs: Any) -> Any:
    seed(1, call.device)
    probe = None
    if call.probe is not None:
        names: dict[str, Any] = {}
        exec(compile(call.probe, "<grader>", "exec"), names)
        probe = names[call.probe_name]
    result = target(*args, **kwargs) if probe is None else probe(target, *args, **kwargs)
    for _, leaf in leaves(result):
        if isinstance(leaf, StandIn):
            raise MissingLibraryError(leaf)
    return result


def seed(number: int, device: str) -> None:
    """The same draw of random numbers in every run of the same code: a grade must not depend on luck."""
    if device == "cpu":
        torch.default_generator.manual_seed(number)  # what torch.manual_seed does for the CPU, and 2 ms less at first
    else:
        torch.manual_seed(number)


def cotangent(tensor: Tensor) -> Tensor:
    """The vector that a gradient is taken along: fixed by shape and dtype, with no two entries alike."""
    steps = torch.arange(tensor.numel(), dtype=torch.float64)  # on the CPU: not every device has that dtype
    return torch.cos(1.0 + 0.7 * steps).reshape(tensor.shape).to(tensor.dtype).to(tensor.device)


def _backward(outcome: Outcome, named: dict[str, Tensor], target: Any) -> None:
    leaves = {name: tensor for name, tensor in named.items() if tensor.requires_grad and tensor.is_leaf}
    if isinstance(target, nn.Module):
        leaves |= {name: parameter for name, parameter in target.named_parameters() if parameter.requires_grad}
    outputs = [tensor for _, tensor in tensors(outcome.value) if tensor.requires_grad]
    outcome.gradients = dict.fromkeys(leaves)
    if not outputs or not leaves:
        return
    try:
        found = torch.autograd.grad(
            outputs, list(leaves.values()), [cotangent(output) for output in outputs], allow_unused=True
        )
    except Exception as error:
        outcome.gradient_error = str(error)[:MAX_TEXT]
        return
    outcome.gradients = dict(zip(leaves, found, strict=True))


def _same(left: Tensor, right: Tensor) -> bool:
    return left.shape == right.shape and left.dtype == right.dtype and bool(((left == right) | (left != left)).all())


class _Sizes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts elements of every tensor that an operation allocates; views of what exists already cost nothing."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Else every operation is wrapped for torch.compile, which takes seconds to import and writes to /tmp.
        return False

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.largest = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for _, tensor in tensors(result):
            stored = tensor.untyped_storage().nbytes() // max(tensor.element_size(), 1)
            self.largest = max(self.largest, stored)
        return result


def detached(outcome: Outcome) -> Outcome:
    """The outcome with tensors cut from the graph and on the CPU, as it would arrive from a child."""

    def cut(value: Any) -> Any:
        return value.detach().cpu() if isinstance(value, Tensor) else value

    outcome.value = map_leaves(cut, outcome.value)
    outcome.again = map_leaves(cut, outcome.again)
    outcome.gradients = map_leaves(cut, outcome.gradients)
    return outcome
