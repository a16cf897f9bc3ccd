"""What is judged of the answers to derived questions. Each function stands for itself: as text.

The probes in the child give what they saw, in numbers; what these say is found out where nobody can forge it.
"""

from __future__ import annotations

from typing import Any


def what_differs(found: dict[str, Any], draws: int, args: Any, kwargs: Any) -> dict[str, Any]:
    """Of `through_modes`: the answers in evaluation, and whether one in training is different."""
    import torch

    def parts(tree: Any) -> list[Any]:
        tree = list(tree.values()) if isinstance(tree, dict) else tree
        return [leaf for part in tree for leaf in parts(part)] if isinstance(tree, tuple | list) else [tree]

    def differ(mine: Any, other: Any) -> bool:
        both = zip(parts(mine), parts(other), strict=False)
        return any(torch.is_tensor(a) and (a.shape != b.shape or not torch.allclose(a, b)) for a, b in both)

    first, in_training = found["in evaluation"], ("at first", "after evaluation", "without gradients")
    return {**found, **{when: any(differ(answer, first) for answer in found[when]) for when in in_training}}


def the_seed_counts(drawn: Any, args: Any, kwargs: Any) -> dict[str, bool]:
    """Of `draws_afterwards`: whether the draws after two seeds differ."""
    import torch

    first, second = drawn
    return {"the seed counts": not torch.equal(first, second)}


def what_is_finite(found: Any, given: list[Any], args: Any, kwargs: Any) -> dict[str, Any]:
    """Of `thirty_times`: whether all values, and all gradients, are finite numbers."""
    return {
        name: {what: all(bool(x.isfinite().all()) for x in seen) for what, seen in parts.items()}
        for name, parts in found.items()
    }


def names_that_moved(found: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """Of `converted`: the answer, and how many names have come or gone."""
    moved = set(found["names before"]) ^ set(found["names after"])
    return {"in float64": found["in float64"], "names that came or went": len(moved)}
