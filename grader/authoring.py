"""The vocabulary of a ``grading.py``: cases, mistakes, oracles, and the exercise that they make up."""

from __future__ import annotations

import hashlib
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor

from grader.text import Text
from grader.values.compare import worst

__all__ = [
    "LIBRARY_ATTENTION",
    "Case",
    "Edit",
    "Elsewhere",
    "Exercise",
    "Mistake",
    "Random",
    "Text",
    "Variant",
    "edit",
    "mistake",
    "rewrite",
    "sibling",
    "worst",
]
"""What a ``grading.py`` may import. The rest of this file is the grader's own."""

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

LIBRARY_ATTENTION = (
    "scaled_dot_product_attention",
    "multi_head_attention_forward",
    "MultiheadAttention",
    "Transformer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "_native_multi_head_attention",
    "_transformer_encoder_layer_fwd",
    "_scaled_dot_product_attention_math",
    "_scaled_dot_product_flash_attention",
    "_scaled_dot_product_flash_attention_for_cpu",
    "_scaled_dot_product_efficient_attention",
    "_scaled_dot_product_fused_attention_overrideable",
    "flex_attention",
)
"""PyTorch's ready-made attention, as names in code and as operations at run time."""


Judge = Callable[[Any, Any], Text | None]
"""``judge(value, expected)`` returns None when the value is right, or what is wrong with it. The value comes from the
learner's side: any structure and any shape. A judge that raises counts as a wrong answer. It is not asked
about a value that holds NaN or infinity where the reference does not: that is wrong in any case."""


@dataclass(frozen=True)
class Case:
    """One call of the learner's code, and the reason why it is made.

    Args:
        reason: what this case separates; it is the name of the check.
        args, kwargs: tensors and plain values. Floating-point tensors are cast to ``dtype``.
        family: the family that a failure here belongs to when earlier cases pass.
        target: the name called; the exercise's first target when empty.
        init, init_kwargs: for a class, what it is built with; a reference ``state_dict`` is then loaded by name.
        load_state: False where the module's own parameters and buffers are what is asked for.
        train: in training mode rather than ``eval()``.
        dtype: of every floating-point tensor and parameter.
        gradients: also compare the gradients of every floating-point input and parameter, by value.
        twice: also make the call again and expect the same.
        max_elements: the largest tensor that the call may create, in elements.
        raises: the call has to raise this exception (a builtin's name).
        drive: ``drive(target, *args, **kwargs)`` replaces the plain call. Its source alone travels to the child, so it
            imports what it uses and refers to nothing else of its file.
        judge: decides where a value is not simply equal to the reference's.
        tolerance: relative to the magnitude of the expected tensor; from the dtype when None.
        public: shown to learners who have no access to ``solutions/``.
    """

    reason: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    family: Family = "numerics"
    target: str = ""
    init: tuple[Any, ...] | None = None
    init_kwargs: dict[str, Any] = field(default_factory=dict)
    load_state: bool = True
    train: bool = False
    dtype: str = "float32"
    gradients: bool = False
    twice: bool = False
    max_elements: int | None = None
    raises: str | None = None
    drive: Callable[..., Any] | None = None
    judge: Judge | None = None
    tolerance: float | None = None
    public: bool = False


class Edit(NamedTuple):
    """The reference with one piece of its text replaced wherever it occurs."""

    old: str
    new: str

    def apply(self, source: str, targets: tuple[str, ...]) -> str:
        """The text of this variant, made of the reference's."""
        if self.old not in source:
            raise ValueError(f"the reference does not contain {self.old!r}")
        return source.replace(self.old, self.new)


class Edits(NamedTuple):
    """The reference with several pieces of its text replaced."""

    pairs: tuple[tuple[str, str], ...]

    def apply(self, source: str, targets: tuple[str, ...]) -> str:
        """The text of this variant, made of the reference's."""
        for old, new in self.pairs:
            source = Edit(old, new).apply(source, targets)
        return source


class Rewrite(NamedTuple):
    """The reference with a target defined anew by the text of this function or class, whatever its own name is."""

    definition: Any
    target: str = ""

    def apply(self, source: str, targets: tuple[str, ...]) -> str:
        """The text of this variant, made of the reference's."""
        return (
            f"{source}\n\n{definition_of(self.definition)}\n{self.target or targets[0]} = {self.definition.__name__}\n"
        )


class Elsewhere(NamedTuple):
    """A variant of another exercise's reference, put after the text of this one's."""

    variant: Any
    reference: str

    def apply(self, source: str, targets: tuple[str, ...]) -> str:
        """The text of this variant, made of the reference's."""
        return f"{source}\n\n{self.variant.apply(self.reference, targets)}"


Variant = Edit | Edits | Rewrite | Elsewhere


def edit(*pairs: Any) -> Edit | Edits:
    """``edit("old", "new")``, or ``edit(("old", "new"), ("old 2", "new 2"))``."""
    if len(pairs) == 2 and isinstance(pairs[0], str):
        return Edit(*pairs)
    return Edits(tuple((old, new) for old, new in pairs))


def rewrite(definition: Any, target: str = "") -> Rewrite:
    """Define ``target`` (the first target when empty) by this function or class. Only its text is used."""
    return Rewrite(definition, target)


def definition_of(definition: Any) -> str:
    """The source text of a function or class, at top level and without decorators."""
    text = textwrap.dedent(inspect.getsource(definition))
    lines = text.split("\n")
    while lines and not lines[0].startswith(("def ", "class ")):
        lines.pop(0)
    return "\n".join(lines)


@dataclass(frozen=True)
class Mistake:
    """A known-wrong variant of the reference. Several variants of one mistake share its slug and its sentence."""

    slug: str
    family: Family
    variants: tuple[Variant, ...]
    text: Text


def mistake(slug: str, family: Family, *variants: Variant, en: str, zh: str) -> Mistake:
    """Describe a mistake: its slug, its family, how to make it, and the sentence that a learner reads."""
    if not variants:
        raise ValueError(f"mistake {slug!r} has no variant")
    return Mistake(slug, family, variants, Text(en, zh))


class Random:
    """Seeded inputs. The seed comes from the exercise's id, so that the same cases are made everywhere."""

    def __init__(self, seed: str) -> None:
        number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big") >> 1
        self.generator = torch.Generator().manual_seed(number)

    def normal(self, *shape: int, std: float = 1.0) -> Tensor:
        """N(0, std²), float32."""
        return torch.randn(*shape, generator=self.generator) * std

    def uniform(self, *shape: int) -> Tensor:
        """Uniform on [0, 1), float32."""
        return torch.rand(*shape, generator=self.generator)

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """Uniform on low … high-1, int64."""
        return torch.randint(low, high, shape, generator=self.generator)

    def mask(self, *shape: int, keep: float = 0.6) -> Tensor:
        """Boolean, True with probability ``keep``; every row of the last axis keeps at least one True."""
        mask = self.uniform(*shape) < keep
        forced = self.integers(0, shape[-1], *shape[:-1], 1)
        return mask.scatter(-1, forced, True)

    def qkv(self, *batch: int, L: int, S: int, d: int, d_v: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Query (…, L, d), key (…, S, d), value (…, S, d_v)."""
        return self.normal(*batch, L, d), self.normal(*batch, S, d), self.normal(*batch, S, d_v or d)


Cases = Callable[[Random], Iterable[Case]]


@dataclass(frozen=True)
class Exercise:
    """How one exercise is graded.

    Args:
        targets: the names that a submission must define; the first one is called unless a case says otherwise.
        cases: a generator function ``cases(rand)``. Simple cases come first: a failure is explained by the earliest.
        mistakes: known-wrong variants, the likelier of two look-alikes first.
        oracles: independent right solutions (functions or classes named as the target they stand for, text only).
            They are allowed to call the library.
        outputs: names of the returned values, for messages; ``("output", "weights")`` for most functions.
        forbidden: names whose use is a ``rules`` failure.
        forbidden_imports: packages whose import is a ``rules`` failure.
    """

    targets: tuple[str, ...]
    cases: Cases
    mistakes: tuple[Mistake, ...]
    oracles: tuple[Any, ...] = ()
    outputs: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    forbidden_imports: tuple[str, ...] = ()


class Sibling(NamedTuple):
    """Another exercise of the course: how it is graded, and the text of its reference."""

    exercise: Exercise
    reference: str


find_sibling: ContextVar[Callable[[str], Sibling]] = ContextVar("find_sibling")
"""Set by the code that reads a ``grading.py``: only that code knows where the course is."""


def sibling(name: str) -> Sibling:
    """Another exercise, ``<assignment>/<exercise>``, for a ``grading.py`` that is made of it."""
    return find_sibling.get()(name)


def variants(mistakes: Iterable[Mistake]) -> Iterator[tuple[Mistake, Variant]]:
    """Every mistake with each of its variants."""
    for known in mistakes:
        for variant in known.variants:
            yield known, variant
