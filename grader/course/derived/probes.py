"""What derived questions ask in the child, in place of a plain call. Each function stands for itself: as text."""

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


def through_modes(module: Any, draws: int, args: Any, kwargs: Any) -> dict[str, Any]:
    """A module in both modes in turn: what it answers in evaluation, and in training, until that is different."""
    import torch

    def answer(training: bool) -> Any:
        module.train(training)
        return module(*args, **kwargs)

    def parts(tree: Any) -> list[Any]:
        tree = list(tree.values()) if isinstance(tree, dict) else tree
        return [leaf for part in tree for leaf in parts(part)] if isinstance(tree, tuple | list) else [tree]

    def same(mine: Any, other: Any) -> bool:
        both = list(zip(parts(mine), parts(other), strict=False))
        return all(not torch.is_tensor(a) or (a.shape == b.shape and torch.allclose(a, b)) for a, b in both)

    def in_training() -> list[Any]:
        answers: list[Any] = []
        while len(answers) < draws and (not answers or same(answers[-1], first)):
            answers.append(answer(True))
        return answers

    first = answer(False)
    found = {"in evaluation": first, "at first": in_training()}
    found |= {"in evaluation after training": answer(False), "after evaluation": in_training()}
    answer(False)
    with torch.no_grad():
        found["without gradients"] = in_training()
    return found


def draws_afterwards(target: Any, args: Any, kwargs: Any) -> list[Any]:
    """What is drawn after a call, for two seeds that are set before it."""
    import torch

    drawn = []
    for number in (1, 2):
        torch.manual_seed(number)
        target(*args, **kwargs)
        drawn.append(torch.rand(4))
    return drawn


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

    def parts(tree: Any) -> list[Any]:
        tree = list(tree.values()) if isinstance(tree, dict) else tree
        return [leaf for part in tree for leaf in parts(part)] if isinstance(tree, tuple | list) else [tree]

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


def moved(target: Any, args: Any, kwargs: Any) -> dict[str, str]:
    """What made the tensor of the CPU that the inputs meet where they are on an accelerator."""
    from grader.child.accelerator import on_accelerator

    return on_accelerator(target, args, kwargs)
