"""What is asked of a child, and what comes of it: calls go one way, outcomes come back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from grader.values.tree import map_leaves
from grader.wire.ended import Ended

DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.float64,
        torch.float32,
        torch.bfloat16,
        torch.float16,
        torch.int64,
        torch.int32,
        torch.int16,
        torch.int8,
        torch.uint8,
        torch.bool,
    )
}


@dataclass(frozen=True)
class Opaque:
    """Stands for a returned object that is neither a plain tensor nor a plain value; only its description travels."""

    what: str


class MissingTargetError(NameError):
    """The submission does not define the name that a call is about."""


@dataclass(frozen=True)
class Raised:
    """An exception of the learner's code: its type's name and bases, its text, and where in which cell it came from."""

    type: str
    bases: tuple[str, ...]
    message: str
    line: int | None = None
    cell: int | None = None

    @property
    def is_missing_target(self) -> bool:
        """True where the call had nothing to call."""
        return self.type == MissingTargetError.__name__


@dataclass(frozen=True)
class Call:
    """One call of the learner's code: what is called, with what, and what is to be observed.

    ``target`` is a name in the learner's namespace. With ``init`` it is a class: it is built with these arguments,
    given ``state`` (``load_state_dict(strict=True)``) when there is one, and then called; with ``own_parameters`` it is
    asked for those that it gave itself. ``probe`` is the source of a function ``probe(target, *args, **kwargs)`` that
    takes the place of the plain call. ``names`` are those of the arguments that are given by position.
    """

    target: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    init: tuple[Any, ...] | None = None
    init_kwargs: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Tensor] | None = None
    own_parameters: bool = False
    train: bool = False
    dtype: str = "float32"
    device: str = "cpu"
    gradients: bool = False
    twice: bool = False
    measure: bool = False
    probe: str | None = None
    probe_name: str = ""
    watched: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def cast(self, dtype: str) -> Call:
        """The same call with every floating-point tensor in another dtype."""
        to = DTYPES[dtype]

        def convert(value: Any) -> Any:
            return value.to(to) if isinstance(value, Tensor) and value.is_floating_point() else value

        return replace(
            self,
            dtype=dtype,
            args=map_leaves(convert, self.args),
            kwargs=map_leaves(convert, self.kwargs),
            state=map_leaves(convert, self.state),
        )


@dataclass
class Outcome:
    """What one call gave, as far as the child says."""

    value: Any = None
    raised: Raised | None = None
    gradients: dict[str, Tensor | None] | None = None
    gradient_error: str | None = None
    changed: list[str] = field(default_factory=list)
    again: Any = None
    devices: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    largest: int = 0
    ended: Ended | None = None
    """Why the call never came back, if it did not."""
    seconds: float | None = None
    """Of computing, that the call might take, where it took longer."""
