"""What derived questions ask in the child, in place of a plain call, and what of its answers is judged.

Each function travels as text, with those that it `USES`.
"""

from __future__ import annotations

from typing import Any


def in_turn(target: Any, calls: dict[str, Any]) -> dict[str, Any]:
    """The answers to calls on one object; what raises, and what it says, is an answer too."""
    found = {}
    for name, (args, kwargs) in calls.items():
        try:
            found[name] = target(*args, **kwargs)
        except NotImplementedError:  # nothing is written yet
            raise
        except Exception as error:
            found[name] = f"{type(error).__name__}: {error}"
    return found


def parts(tree: Any) -> list[Any]:
    """The leaves of an answer."""
    tree = list(tree.values()) if isinstance(tree, dict) else tree
    return [leaf for part in tree for leaf in parts(part)] if isinstance(tree, tuple | list) else [tree]


def differ(mine: Any, other: Any) -> bool:
    """Whether two answers are not the same."""
    import torch

    both = list(zip(parts(mine), parts(other), strict=False))
    return any(torch.is_tensor(a) and (a.shape != b.shape or not torch.allclose(a, b)) for a, b in both)


def through_modes(module: Any, draws: int, args: Any, kwargs: Any) -> dict[str, Any]:
    """What a module answers in both modes in turn: in training until it is seen to be random there."""
    import torch

    def answer(training: bool) -> Any:
        module.train(training)
        return module(*args, **kwargs)

    def in_training() -> list[Any]:
        answers: list[Any] = []
        while len(answers) < draws and not (answers and differ(answers[-1], first)):
            answers.append(answer(True))
        return answers

    first = answer(False)
    found = {"in evaluation": first, "at first": in_training()}
    found |= {"in evaluation after training": answer(False), "after evaluation": in_training()}
    answer(False)
    with torch.no_grad():
        found["without gradients"] = in_training()
    return found


def what_differs(found: Any, draws: int, args: Any, kwargs: Any) -> dict[str, Any]:
    """The answers of `through_modes`, and whether those in training differ from those in evaluation."""
    times = ("at first", "after evaluation", "without gradients")
    return {**found, **{when: any(differ(one, found["in evaluation"]) for one in found[when]) for when in times}}


def draws_afterwards(target: Any, args: Any, kwargs: Any) -> list[Any]:
    """What is drawn after a call, with two seeds before it."""
    import torch

    drawn = []
    for number in (1, 2):
        torch.manual_seed(number)
        target(*args, **kwargs)
        drawn.append(torch.rand(4))
    return drawn


def seed_counts(drawn: Any, args: Any, kwargs: Any) -> dict[str, bool]:
    """Whether the draws of `draws_afterwards` depend on the seed."""
    return {"the seed counts": differ(drawn[0], drawn[1])}


def strided(target: Any, args: Any, kwargs: Any) -> Any:
    """The same call with the same values, every tensor with gaps in memory and its axes in reverse order."""
    import torch

    def spread(value: Any) -> Any:
        if isinstance(value, tuple | list):
            return type(value)(map(spread, value))
        if not torch.is_tensor(value) or value.dim() == 0:
            return value
        gaps = torch.zeros((*reversed(value.shape), 2), dtype=value.dtype)[..., 0]
        return gaps.permute(*reversed(range(value.dim()))).copy_(value)

    return target(*map(spread, args), **{name: spread(value) for name, value in kwargs.items()})


def thirty_times(target: Any, given: list[Any], args: Any, kwargs: Any) -> dict[str, Any]:
    """Values and gradients where one input is thirty times as large, for each in turn.

    ``given`` has pairs: an input's place among the arguments, or its name, and what it is called.
    """
    import torch

    def is_float(value: Any) -> bool:
        return torch.is_tensor(value) and value.is_floating_point()

    inputs = {**dict(enumerate(args)), **kwargs}
    found = {}
    for key, name in given:
        if not is_float(inputs[key]):
            continue
        mine = {i: x.detach().clone().requires_grad_() if is_float(x) else x for i, x in inputs.items()}
        larger = {i: x * 30 if i == key else x for i, x in mine.items()}
        answer = target(*[larger[i] for i in range(len(args))], **{name: larger[name] for name in kwargs})
        outputs = [x for x in parts(answer) if is_float(x)]
        found[name] = {"values": outputs}
        differ = [x for x in outputs if x.requires_grad]
        if differ:
            along = [torch.linspace(0.5, 1.5, x.numel()).reshape(x.shape).to(x.dtype) for x in differ]
            wanted = [x for x in mine.values() if is_float(x)]
            gradients = torch.autograd.grad(differ, wanted, along, allow_unused=True)
            found[name]["gradients"] = [x for x in gradients if x is not None]
    return found


def what_is_finite(found: Any, given: list[Any], args: Any, kwargs: Any) -> dict[str, Any]:
    """Whether the values of `thirty_times`, and the gradients, are finite numbers."""
    return {
        name: {what: all(bool(x.isfinite().all()) for x in seen) for what, seen in kinds.items()}
        for name, kinds in found.items()
    }


def converted(module: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """A module's answer in float64 after one in float32, and the names of its state before and after."""
    import torch

    def wide(value: Any) -> Any:
        if isinstance(value, tuple | list):
            return type(value)(map(wide, value))
        return value.double() if torch.is_tensor(value) and value.is_floating_point() else value

    before = list(module.state_dict())
    module(*args, **kwargs)
    after = list(module.state_dict())
    module.double()
    answer = module(*map(wide, args), **{name: wide(value) for name, value in kwargs.items()})
    return {"in float64": answer, "names before": before, "names after": after}


def names_that_moved(found: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """The answer of `converted`, and how many names of the state have come or gone."""
    moved = set(found["names before"]) ^ set(found["names after"])
    return {"in float64": found["in float64"], "names that came or went": len(moved)}


def moved(target: Any, args: Any, kwargs: Any) -> dict[str, str]:
    """What made the tensor of the CPU that the inputs meet where they are on an accelerator."""
    from grader.child.accelerator import on_accelerator

    return on_accelerator(target, args, kwargs)


USES: dict[Any, tuple[Any, ...]] = {
    through_modes: (parts, differ),
    what_differs: (parts, differ),
    seed_counts: (parts, differ),
    thirty_times: (parts,),
}
"""Functions of this file that others use."""
