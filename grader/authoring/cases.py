"""Cases: calls of the learner's code, each with the reason why it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from torch import Tensor

from grader.text import Text
from grader.values.tree import map_leaves

Family = Literal[
    "interface",
    "shape",
    "dtype",
    "masking",
    "scaling",
    "normalization",
    "numerics",
    "gradient",
    "state",
    "rules",
    "resources",
]
FAMILIES: tuple[Family, ...] = get_args(Family)
HALF = ("bfloat16", "float16")
DTYPES = ("float32", "float64", *HALF)

Fault = Callable[[Any, Any], Text | None]
"""``fault(value, expected)`` returns what is wrong with a value, or None. The value comes from the learner's side: any
structure and any shape. A fault that raises counts as a wrong answer. It is not asked about a value that holds NaN or
infinity where the reference's does not: that is wrong in any case."""


@dataclass(frozen=True)
class Called:
    """A call, as `call` and `built` describe it. ``args`` is None where a module is built and not called."""

    args: tuple[Any, ...] | None = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    init: tuple[Any, ...] | None = None
    init_kwargs: dict[str, Any] = field(default_factory=dict)
    own_parameters: bool = False
    training: bool = False

    def __call__(self, *args: Any, **kwargs: Any) -> Called:
        """The same module, called."""
        return replace(self, args=args, kwargs=kwargs)

    def train(self) -> Called:
        """The same module in training mode; without this, it is in ``eval()``."""
        return replace(self, training=True)

    def as_initialised(self) -> Called:
        """The same module with the parameters that it gave itself; without this, it gets the reference's, by name."""
        return replace(self, own_parameters=True)


def call(*args: Any, **kwargs: Any) -> Called:
    """A call of a function. Floating-point tensors are cast to the case's dtype."""
    return Called(args, kwargs)


def built(*init: Any, **init_kwargs: Any) -> Called:
    """A module built with these arguments, to be called in turn: ``built(12, 3)(x, x, x, mask=m)``."""
    return Called(None, init=init, init_kwargs=init_kwargs)


@dataclass(frozen=True)
class Case:
    """One call of the learner's code, and the reason why it is made.

    Args:
        reason: what this case separates; it is the name of the check.
        called: `call` or `built`.
        family: the family that a failure here belongs to when earlier cases pass.
        target: the name called; the exercise's first target when empty.
        dtype: of every floating-point tensor and parameter.
        gradients: also compare the gradients of every floating-point input and parameter, by value.
        twice: also make the call again and expect the same.
        max_elements: the largest tensor that the call may create, in elements.
        raises: the call has to raise this exception (a builtin's name).
        probe: ``probe(target, *args, **kwargs)`` replaces the plain call, and what it returns is the answer. It travels
            to the child as text, with what it uses of its file and of ``solutions/``.
        fault: says what is wrong, where a value is not simply equal to the reference's. It is kept as text, too.
        summary: ``summary(value, *args, **kwargs)``, of what came back and of the inputs: its result is compared (or
            judged by ``fault``) in place of the value. The grader makes it outside of the learner's process, where
            nobody can forge it. It is kept as text, too.
        tolerance: relative to the magnitude of the expected tensor; from the dtype when None.
        public: shown to learners who have no access to ``solutions/``.
        essential: what the exercise is about; whoever fails here gets at most half the points.
        weight: what its check is worth, where any other is worth 1.
        needs_the_rest: worth points, and looked at, only where every other case is answered rightly.
    """

    reason: str
    called: Called = field(default_factory=Called)
    family: Family = "numerics"
    target: str = ""
    dtype: str = "float32"
    gradients: bool = False
    twice: bool = False
    max_elements: int | None = None
    raises: str | None = None
    probe: Callable[..., Any] | None = None
    fault: Fault | None = None
    summary: Callable[..., Any] | None = None
    tolerance: float | None = None
    public: bool = False
    essential: bool = False
    weight: float = 1.0
    needs_the_rest: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.reason, str) or not isinstance(self.called, Called):
            raise TypeError("a Case takes its reason first, then call(...) or built(...)(...)")
        for option, value, allowed in (("family", self.family, FAMILIES), ("dtype", self.dtype, DTYPES)):
            if value not in allowed:
                raise ValueError(f"{option}={value!r} is none of {', '.join(allowed)}")
        if self.weight <= 0:
            raise ValueError(f"weight={self.weight!r}: a check is worth more than nothing")
        if not isinstance(self.raises, str | None):
            raise TypeError(f"raises={self.raises!r} is a name: {getattr(self.raises, '__name__', '')!r}")


def standard(
    example: Callable[[], Called],
    *,
    dtypes: tuple[str, ...] = ("float64", *HALF),
    strides: bool = True,
    **options: Any,
) -> Iterator[Case]:
    """The cases that every exercise needs, made of a plain call: its tensors in another memory order and other dtypes.

    Args:
        example: makes the call, with fresh inputs each time; one that has a mask tells more.
        dtypes: those in which it is made again.
        strides: whether it is made with tensors that are not contiguous.
        options: what else the cases have, as `Case` takes it.
    """
    if isinstance(example, Called):
        raise TypeError("standard takes a function that makes a call: standard(lambda: call(...))")
    if strides:
        yield Case("memory in another order (non-contiguous)", _reordered(example()), "shape", **options)
    for dtype in dtypes:
        yield Case(dtype, example(), "dtype", dtype=dtype, **options)


def _reordered(called: Called) -> Called:
    """The same call with the same values, each tensor with its axes in another order in memory."""
    seen: list[Tensor] = []

    def another_order(value: Any) -> Any:
        if not isinstance(value, Tensor) or value.dim() < 2:
            return value
        seen.append(value)
        axes = (0, 1) if len(seen) % 2 == 0 else (-2, -1)
        return value.transpose(*axes).contiguous().transpose(*axes)

    return replace(called, args=map_leaves(another_order, called.args), kwargs=map_leaves(another_order, called.kwargs))
