"""An accelerator that is not there: tensors that say that they are on one, while their data lies on the CPU.

A function that makes a tensor without asking where its inputs are works on a laptop and fails on a GPU. Here it fails
on a laptop: every call of torch's is looked at, and where a tensor of the accelerator meets one that is known to have
been made on the CPU, the call raises, as it would there. What cannot be told is let pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from grader.values.tree import leaves, map_leaves

DEVICE = torch.device("cuda", 0)
_MARK = "_place_for_grader"
_HERE = "on the accelerator"
_MOVING = {"to", "cpu", "cuda", "type_as"}
_BETWEEN_DEVICES = {"__setitem__", "copy_", "set_"}
"""What may be done with tensors of two devices; an accelerator's tensor may also be indexed by the CPU's."""
_OF_NUMPY = {"numpy", "__array__"}


class DevicesMeetError(RuntimeError):
    """A tensor of the accelerator meets one of the CPU's.

    Args:
        made_by: what the other was made by, or is called.
    """

    def __init__(self, made_by: str) -> None:
        super().__init__(
            f"Expected all tensors to be on the same device, but found at least two devices, {DEVICE} and cpu!"
        )
        self.made_by = made_by


def on_accelerator(target: Any, args: Any, kwargs: Any) -> dict[str, str]:
    """Call something with inputs that say that they are on an accelerator.

    Returns:
        What made the tensor of the CPU that an input met, or that is in the answer; empty where all went well, or where
        something else was raised, which says nothing.
    """
    with _Accelerator():
        mine = map_leaves(_on_it, (args, kwargs))
        _mark_what_is_there(target)
        try:
            answer = target(*mine[0], **mine[1])
        except DevicesMeetError as error:
            return {"made by": error.made_by}
        except NotImplementedError:  # nothing is written yet
            raise
        except Exception:
            return {"made by": ""}
        made = [place for place in map(_place, _tensors(answer)) if place not in ("", _HERE)]
        return {"made by": made[0] if made else ""}


def _on_it(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    return _mark(value.detach().clone(), _HERE)


def _mark_what_is_there(target: Any) -> None:
    """A module's parameters and buffers have moved, other tensors have not."""
    function = getattr(target, "forward", target)
    for name, value in getattr(function, "__globals__", {}).items():
        if isinstance(value, Tensor):
            _mark(value, name)
    if isinstance(target, nn.Module):
        for part in target.modules():
            for name, value in vars(part).items():
                if isinstance(value, Tensor):
                    _mark(value, f"self.{name}")
        for tensor in (*target.parameters(), *target.buffers()):
            _mark(tensor, _HERE)


def _mark(tensor: Tensor, place: str) -> Tensor:
    setattr(tensor, _MARK, place)
    return tensor


def _place(tensor: Tensor) -> str:
    return str(vars(tensor).get(_MARK, ""))


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for _, leaf in leaves(tree) if isinstance(leaf, Tensor)]


def _is_elsewhere(value: Any) -> bool:
    """Whether a device is the accelerator."""
    if isinstance(value, str):
        return value.partition(":")[0] == DEVICE.type
    return isinstance(value, torch.device) and value.type == DEVICE.type


class _Accelerator(TorchFunctionMode):
    """Knows where each tensor is."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        if name == "__get__":
            return self._got(func, args)
        given = _tensors((args, kwargs))
        here = [tensor for tensor in given if _place(tensor) == _HERE]
        if name in _MOVING:
            return self._moved(func, name, args, kwargs)
        if name in _OF_NUMPY and here:
            raise DevicesMeetError(f".{name}()")
        elsewhere = _is_elsewhere(kwargs.get("device"))
        if elsewhere:
            kwargs["device"] = "cpu"
        others = [_place(x) for x in given if _place(x) not in ("", _HERE) and x.dim()]
        if here and others and not _may_meet(name, args):
            raise DevicesMeetError(others[0])
        answer = func(*args, **kwargs)
        if name == "__iter__":
            answer = iter([self._put(row, _HERE if here else "") for row in answer])
        if elsewhere or (here and kwargs.get("device") is None):
            return self._placed(answer, _HERE, given)
        if not given or "device" in kwargs:
            return self._placed(answer, f"torch.{name}", given)
        places = set(map(_place, given))
        return self._placed(answer, places.pop(), given) if len(places) == 1 else answer

    def _got(self, func: Any, args: Any) -> Any:
        """An attribute of a tensor."""
        tensor, what = args[0], getattr(func.__self__, "__name__", "")
        if _place(tensor) == _HERE and what in ("device", "is_cuda", "is_cpu"):
            return {"device": DEVICE, "is_cuda": True, "is_cpu": False}[what]
        return self._placed(func(*args), _place(tensor), [tensor])

    def _moved(self, func: Any, name: str, args: Any, kwargs: Any) -> Any:
        """What ``to`` and its like give: where it is, is asked of the arguments."""
        tensor, rest = args[0], [*args[1:], *kwargs.values()]
        place = _place(tensor)
        devices = [value for value in rest if isinstance(value, str | torch.device)]
        if name in ("cpu", "cuda"):
            place = _HERE if name == "cuda" else ".cpu()"
        elif devices:
            place = _HERE if _is_elsewhere(devices[0]) else f".to({str(devices[0])!r})"
        elif other := _tensors(rest):
            place = _place(other[0])

        def instead(value: Any) -> Any:
            return torch.device("cpu") if _is_elsewhere(value) else value

        if name == "cuda":
            return self._put(tensor.clone(), place)
        answer = func(*map(instead, args), **{key: instead(value) for key, value in kwargs.items()})
        return self._put(answer.clone() if answer is tensor and place != _place(tensor) else answer, place)

    def _placed(self, answer: Any, place: str, given: Iterable[Tensor]) -> Any:
        """The answer, with what is new in it marked."""
        for tensor in _tensors(answer):
            if place and not any(tensor is old for old in given) and not _place(tensor):
                _mark(tensor, place)
        return answer

    def _put(self, answer: Any, place: str) -> Any:
        return _mark(answer, place) if isinstance(answer, Tensor) and place else answer


def _may_meet(name: str, args: Any) -> bool:
    indexed = name == "__getitem__" and _place(args[0]) == _HERE
    return indexed or name in _BETWEEN_DEVICES
