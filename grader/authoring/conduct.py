"""Mistakes in how an answer is made, which can be made in any exercise: the grader makes them of the reference."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from grader.authoring.mistakes import Mistake

_SHARED = """
def _conducted(right, how):
    if isinstance(right, type):
        class Conducted(right):
            def forward(self, *args, **kwargs):
                return how(super().forward, args, kwargs)
        Conducted.__name__ = right.__name__
        return Conducted
    return lambda *args, **kwargs: how(right, args, kwargs)

def _with_tensors(change, tree):
    import torch
    if isinstance(tree, torch.Tensor):
        return change(tree) if tree.is_floating_point() else tree
    if isinstance(tree, dict):
        return {key: _with_tensors(change, part) for key, part in tree.items()}
    if isinstance(tree, (tuple, list)):
        return type(tree)(_with_tensors(change, part) for part in tree)
    return tree
"""
_HOW = {
    "library-called": """
def _how(right, args, kwargs):
    import torch
    one = torch.ones(1, 1, 1)
    torch.nn.functional.scaled_dot_product_attention(one, one, one)
    return right(*args, **kwargs)
""",
    "inputs-changed": """
def _how(right, args, kwargs):
    result = right(*args, **kwargs)
    _with_tensors(lambda tensor: tensor.add_(1.0), (args, kwargs))
    return result
""",
    "returns-float32": """
def _how(right, args, kwargs):
    return _with_tensors(lambda tensor: tensor.float(), right(*args, **kwargs))
""",
    "result-detached": """
def _how(right, args, kwargs):
    return _with_tensors(lambda tensor: tensor.detach(), right(*args, **kwargs))
""",
    "outputs-swapped": """
def _how(right, args, kwargs):
    result = right(*args, **kwargs)
    if isinstance(result, tuple) and len(result) > 1:
        return result[1], result[0], *result[2:]
    return result
""",
    "kept-answer": """
def _how(right, args, kwargs):
    owner = getattr(right, "__self__", None)
    if owner is None:
        return right(*args, **kwargs)
    shapes = []
    _with_tensors(lambda tensor: shapes.append(tensor.shape), (args, kwargs))
    kept = owner.__dict__.setdefault("_kept", {})
    if str(shapes) not in kept:
        kept[str(shapes)] = right(*args, **kwargs)
    return kept[str(shapes)]
""",
    "mode-kept": """
def _how(right, args, kwargs):
    import torch
    owner = getattr(right, "__self__", None)
    if isinstance(owner, torch.nn.Module) and not owner.training:
        for part in owner.modules():
            if isinstance(part, torch.nn.Dropout):
                part.p = 0.0
    return right(*args, **kwargs)
""",
    "mode-from-gradients": """
def _how(right, args, kwargs):
    import torch
    owner = getattr(right, "__self__", None)
    if not isinstance(owner, torch.nn.Module):
        return right(*args, **kwargs)
    before = owner.training
    owner.train(before and torch.is_grad_enabled())
    result = right(*args, **kwargs)
    owner.train(before)
    return result
""",
}


class Conducted(NamedTuple):
    """The reference, each of its targets called in a way that is wrong in itself."""

    slug: str

    def apply(self, source: str, targets: tuple[str, ...]) -> str:
        """The text of this variant, made of the reference's."""
        wrapped = [f"{target} = _conducted({target}, _how) if callable({target}) else {target}" for target in targets]
        return "\n".join([source, _SHARED, _HOW[self.slug], *wrapped, ""])


def conduct(forbidden: Collection[str], outputs: Collection[str], known: Collection[str]) -> tuple[Mistake, ...]:
    """The mistakes that any answer may be made with, but those that are known already.

    Args:
        forbidden: names that may not be used.
        outputs: names of what is returned.
        known: slugs of the mistakes that the author describes.
    """
    impossible = set(known)
    if "scaled_dot_product_attention" not in forbidden:
        impossible.add("library-called")
    if len(outputs) < 2:
        impossible.add("outputs-swapped")
    return tuple(Mistake(slug, (Conducted(slug),)) for slug in _HOW if slug not in impossible)


def is_conduct(slug: str) -> bool:
    """Whether the grader can make a mistake by itself."""
    return slug in _HOW
