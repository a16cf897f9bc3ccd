"""A mutant: the text of a reference with one thing changed."""

from __future__ import annotations

import difflib
import hashlib
import random
import warnings
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Mutant(NamedTuple):
    """A variant of a reference.

    Args:
        kind: what was changed, in a word: the operator of the generator.
        text: all of the code.
        what: what the change is, where a diff would show only a wrapper.
    """

    kind: str
    text: str
    what: str = ""

    def shown(self, reference: str) -> str:
        """What is different from the reference."""
        if self.what:
            return self.what
        old, new = reference.splitlines(), self.text.splitlines()
        changed = [
            line for line in difflib.unified_diff(old, new, n=0, lineterm="") if line[:2] not in ("--", "++", "@@")
        ]
        return "\n".join(f"{line[0]} {line[1:].strip()}" for line in changed)


def unlike(reference: str, mutants: Iterable[Mutant]) -> list[Mutant]:
    """Those that can be compiled, each text once, and not the reference's own."""
    found: dict[str, Mutant] = {}
    for mutant in mutants:
        if mutant.text != reference and mutant.text not in found and _compiles(mutant.text):
            found[mutant.text] = mutant
    return list(found.values())


def sampled(mutants: Sequence[Mutant], most: int | None, seed: str) -> list[Mutant]:
    """At most so many, the same in every run: of each kind in turn, so that a rare kind is not lost among others."""
    if most is None or len(mutants) <= most:
        return list(mutants)
    rand = random.Random(seed)
    kinds: dict[str, list[Mutant]] = {}
    for mutant in sorted(mutants, key=lambda mutant: hashlib.sha256(mutant.text.encode()).digest()):
        kinds.setdefault(mutant.kind, []).append(mutant)
    queues = list(kinds.values())
    rand.shuffle(queues)
    chosen: list[Mutant] = []
    while len(chosen) < most:
        for queue in queues:
            if queue and len(chosen) < most:
                chosen.append(queue.pop())
    return chosen


def _compiles(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `x is 3`, say
            compile(text, "<mutant>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True
