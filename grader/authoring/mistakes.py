"""Known mistakes: wrong variants of the reference. What is said of each stands in ``mistakes.yml``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

from grader.authoring.cases import Family
from grader.authoring.texts import definition_of
from grader.text import Text


class Replacement(NamedTuple):
    """The reference with pieces of its text replaced, each wherever it occurs."""

    pairs: tuple[tuple[str, str], ...]

    def apply(self, source: str, targets: tuple[str, ...]) -> str:
        """The text of this variant, made of the reference's.

        Raises:
            ValueError: a piece is not there.
        """
        for old, new in self.pairs:
            if old not in source:
                raise ValueError(f"the reference does not contain {old!r}")
            source = source.replace(old, new)
        return source


class Rewriting(NamedTuple):
    """The reference with a target (the first one when empty) defined anew, as the function or class of this name."""

    text: str
    name: str
    target: str = ""

    def apply(self, source: str, targets: tuple[str, ...]) -> str:
        """The text of this variant, made of the reference's."""
        return f"{source}\n\n{self.text}\n{self.target or targets[0]} = {self.name}\n"


class Elsewhere(NamedTuple):
    """A variant of another exercise's reference, put after the text of this one's."""

    variant: Any
    reference: str

    def apply(self, source: str, targets: tuple[str, ...]) -> str:
        """The text of this variant, made of the reference's."""
        return f"{source}\n\n{self.variant.apply(self.reference, targets)}"


@runtime_checkable
class Variant(Protocol):
    """A way to make a mistake: `replace`, `rewrite`, or one that the grader makes."""

    def apply(self, source: str, targets: tuple[str, ...]) -> str:
        """The text of this variant, made of the reference's.

        Raises:
            ValueError: the reference has nothing to make it of.
        """
        ...


def replace(*pairs: Any) -> Replacement:
    """``replace("old", "new")``, or ``replace(("old", "new"), ("old 2", "new 2"))``."""
    if len(pairs) == 2 and isinstance(pairs[0], str):
        return Replacement((pairs,))
    if not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
        raise TypeError(f"replace takes an old text and a new one, or pairs of them, not {pairs!r}")
    return Replacement(tuple((old, new) for old, new in pairs))


def rewrite(definition: Any, target: str = "") -> Rewriting:
    """Define ``target`` (the first target when empty) by this function or class. Only its text is used."""
    return Rewriting(definition_of(definition), definition.__name__, target)


class Sentence(NamedTuple):
    """What is said of a mistake.

    Args:
        family: what it belongs to.
        text: to the learner who made it.
        lecture: what a lecturer may say to a class in which many made it.
    """

    family: Family
    text: Text
    lecture: Text | None = None


@dataclass(frozen=True)
class Mistake:
    """One mistake, and the ways to make it. Its sentence is found by its slug where it has none yet."""

    slug: str
    variants: tuple[Variant, ...]
    sentence: Sentence | None = None


def known(**mistakes: Variant | Iterable[Variant]) -> tuple[Mistake, ...]:
    """Mistakes by slug (with ``_`` for ``-``): a variant of the reference, or several ways to make the same mistake.

    The likelier of two look-alikes comes first.

    Raises:
        ValueError: a mistake has no variant.
    """
    return tuple(Mistake(name.replace("_", "-"), _several(name, given)) for name, given in mistakes.items())


def _several(name: str, given: Variant | Iterable[Variant]) -> tuple[Variant, ...]:
    several = (given,) if isinstance(given, Variant) else tuple(given)
    if not several or not all(isinstance(variant, Variant) for variant in several):
        raise ValueError(f"mistake {name!r} needs a variant: replace(...) or rewrite(...), or a list of them")
    return several


def variants(mistakes: Iterable[Mistake]) -> Iterator[tuple[Mistake, Variant]]:
    """Every mistake with each of its variants."""
    for mistake in mistakes:
        for variant in mistake.variants:
            yield mistake, variant
