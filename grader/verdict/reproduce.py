"""Writes a call as code that can be pasted into a cell: its inputs, the call, and where to look."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from grader.course.key import AnswerKey, Question
from grader.values.tree import leaves, tensors

MOST_NUMBERS = 80
"""So many inputs can be read; more are taken from the course by `grader.inputs`."""
DECIMALS = 4
"""Of inputs: a failure is far larger than what this rounds away."""


def code_of(key: AnswerKey, question: Question, look_at: str) -> str:
    """What makes the call of a question again; empty where it takes more than a call.

    Args:
        key: of its exercise.
        question: whose call it is.
        look_at: what to look at in the end, as Python writes it.
    """
    call = question.call
    if call.probe is not None:
        return ""
    written = _Written(key, question)
    lines = [*written.given(), *written.call()]
    result = next(iter(look_at.split("[")), "")
    return "\n".join([*lines, look_at] if result and result in written.results else lines)


class _Written:
    def __init__(self, key: AnswerKey, question: Question) -> None:
        self.key, self.question, self.asked = key, question, question.call
        self.results = list(key.outputs) or ["result"]
        numbers = sum(tensor.numel() for _, tensor in tensors((self.asked.args, self.asked.kwargs)))
        plain = all(isinstance(leaf, _PLAIN) for _, leaf in leaves((self.asked.args, self.asked.kwargs)))
        self.literal = numbers <= MOST_NUMBERS and not self.asked.state and plain

    def given(self) -> list[str]:
        """What the inputs are."""
        named = self._named()
        if self.literal:
            lines = [f"{name} = {_shown(value, len(name) + 3)}" for name, value in named if _is_shown(value)]
            return ["import torch", "", *lines, ""] if lines else []
        asked_for = f'given = inputs("{self.key.exercise}", "{self.question.reason}")'
        lines = ["from grader import inputs", "", asked_for]
        args = [name for name, _ in named[: len(self.asked.args)]]
        if args:
            together = f"({args[0]},)" if len(args) == 1 else ", ".join(args)
            lines.append(f"{together} = given.args{_shapes(self.asked.args)}")
        for name, value in self.asked.kwargs.items():
            if _is_shown(value):
                lines.append(f'{name} = given.kwargs["{name}"]{_shapes((value,))}')
        return lines

    def call(self) -> list[str]:
        """The call itself; of a module, how it is built first."""
        named = self._named()
        inside = [
            name if _is_shown(value) or not self.literal else repr(value)
            for name, value in named[: len(self.asked.args)]
        ]
        inside += [f"{name}={name if _is_shown(value) else repr(value)}" for name, value in self.asked.kwargs.items()]
        target, lines = self.asked.target, list[str]()
        if self.asked.init is not None:
            built = [repr(value) for value in self.asked.init]
            built += [f"{name}={value!r}" for name, value in self.asked.init_kwargs.items()]
            target = "module"
            lines.append(f"module = {self.asked.target}({', '.join(built)})")
            if self.asked.state:
                lines.append("module.load_state_dict(given.state)")
            if not self.asked.train:
                lines.append("module.eval()")
        return [*lines, f"{', '.join(self.results)} = {target}({', '.join(inside)})"]

    def _named(self) -> list[tuple[str, Any]]:
        """The inputs by name, those passed by position first."""
        names = [name if name.isidentifier() else f"x{i}" for i, name in enumerate(self.asked.names, 1)]
        names += [f"x{i + 1}" for i in range(len(names), len(self.asked.args))]  # of those that a `*` takes
        return [*zip(names, self.asked.args, strict=False), *self.asked.kwargs.items()]


_PLAIN = (Tensor, int, float, str, type(None))


def _is_shown(value: Any) -> bool:
    """True for what gets a line of its own: tensors, and what holds some."""
    return any(True for _ in tensors(value))


def _shapes(values: Any) -> str:
    shapes = ", ".join(str(tuple(tensor.shape)) for _, tensor in tensors(values))
    return f"  # {shapes}" if shapes else ""


def _shown(value: Any, indent: int) -> str:
    """A value as Python; a tensor's rows each in a line."""
    if isinstance(value, Tensor):
        usual = str(value.dtype) in ("torch.float32", "torch.bool", "torch.int64")
        dtype = "" if usual else f", dtype={value.dtype}"
        if value.numel() == 0:
            return f"torch.zeros({tuple(value.shape)}{dtype})"
        return f"torch.tensor({_nested(value.tolist(), indent + len('torch.tensor('))}{dtype})"
    if isinstance(value, tuple | list):
        inside = ", ".join(_shown(part, indent + 1) for part in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside},)"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name!r}: {_shown(part, indent + 1)}" for name, part in value.items()) + "}"
    return repr(value)


def _nested(rows: Any, indent: int) -> str:
    if not isinstance(rows, list):
        return _literal(rows)
    if not rows or not isinstance(rows[0], list):
        return f"[{', '.join(map(_literal, rows))}]"
    between = f",\n{' ' * (indent + 1)}"
    return f"[{between.join(_nested(row, indent + 1) for row in rows)}]"


def _literal(value: float | int | bool) -> str:
    if not isinstance(value, float):
        return str(value)
    if value != value or value in (float("inf"), float("-inf")):
        return f'float("{value}")'
    text = f"{value:.{DECIMALS}f}" if abs(value) >= 0.01 or value == 0 else f"{value:.{DECIMALS}g}"
    return f"{float(text)}"
