"""The exercise that cases, mistakes and oracles make up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from grader.authoring.cases import Case
from grader.authoring.inputs import Inputs
from grader.authoring.mistakes import Mistake

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
    "_scaled_dot_product_cudnn_attention",
    "_scaled_dot_product_fused_attention_overrideable",
    "_scaled_dot_product_attention_math_for_mps",
    "_flash_attention_forward",
    "_efficient_attention_forward",
    "_triton_multi_head_attention",
    "_triton_scaled_dot_attention",
    "flex_attention",
)
"""PyTorch's ready-made attention, as names in code and as operations at run time."""


@dataclass(frozen=True)
class Exercise:
    """How one exercise is graded.

    Args:
        targets: the names that a submission must define; the first one is called unless a case says otherwise.
        cases: a generator function ``cases(inputs)``. Simple cases come first: a failure is explained by the earliest.
        mistakes: what `known` returns, the likelier of two look-alikes first.
        oracles: independent right solutions (functions or classes named as the target they stand for, text only).
            They are allowed to call the library.
        outputs: names of the returned values, for messages; ``("output", "weights")`` for most functions.
        forbidden: names whose use is a ``rules`` failure.
        forbidden_imports: packages whose import is a ``rules`` failure.
        without: questions that the grader would derive, by name, each with the reason why it is not asked here.
    """

    targets: tuple[str, ...]
    cases: Callable[[Inputs], Iterable[Case]]
    mistakes: tuple[Mistake, ...]
    oracles: tuple[Any, ...] = ()
    outputs: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    forbidden_imports: tuple[str, ...] = ()
    without: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for option in ("targets", "mistakes", "oracles", "outputs", "forbidden", "forbidden_imports"):
            value = getattr(self, option)
            if not isinstance(value, tuple):
                raise TypeError(f"{option} is a tuple, not {value!r}")
        if not callable(self.cases):
            raise TypeError("cases is the generator function itself: cases=cases")
        for oracle in self.oracles:
            if oracle.__name__ not in self.targets:
                raise ValueError(
                    f"the oracle {oracle.__name__!r} has to have the name of a target, which it stands for"
                )


class Sibling(NamedTuple):
    """Another exercise of the course: how it is graded, and the text of its reference."""

    exercise: Exercise
    reference: str


find_sibling: ContextVar[Callable[[str], Sibling]] = ContextVar("find_sibling")
"""Set by the code that reads a ``grading.py``: only that code knows where the course is."""


def sibling(name: str) -> Sibling:
    """Another exercise, ``<assignment>/<exercise>``, for a ``grading.py`` that is made of it."""
    return find_sibling.get()(name)
