"""Calls and outcomes as bytes: JSON plus one safetensors block.

Nothing is ever pickled, and what comes back is plain data whatever the learner's code returned.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from grader.wire.bounds import (
    FRAME,
    MAX_AXES,
    MAX_BITS,
    MAX_DEPTH,
    MAX_ERRORS,
    MAX_FRAME_BYTES,
    MAX_HEADER_BYTES,
    MAX_ITEMS,
    MAX_NAMES_BYTES,
    MAX_TENSORS,
    MAX_TEXT,
    WireError,
)
from grader.wire.calls import DTYPES, Call, Opaque, Outcome, Raised


class Encoder:
    """Turns a tree of tensors and plain values into JSON, collecting the tensors.

    Args:
        max_bytes: of all tensors; what is beyond becomes `Opaque`.
        bounded: whether there is a limit on how many tensors and values there are; not for what is our own.
    """

    def __init__(self, max_bytes: int = MAX_FRAME_BYTES, bounded: bool = True) -> None:
        self.bounded = bounded
        self.tensors: dict[str, Tensor] = {}
        self.places: set[int] = set()
        self.items = 0
        self.bytes_left = max_bytes
        self.characters_left = MAX_HEADER_BYTES // 16

    def encode(self, value: Any, depth: int = 0) -> Any:
        """JSON for one value; its tensors are added to ``tensors``."""
        self.items += _length(value)
        if depth > MAX_DEPTH or (self.bounded and self.items > MAX_ITEMS):
            self.items -= _length(value)
            return {"opaque": "a structure nested too deeply or too large"}
        kind = type(value)
        if value is None or kind is bool or kind is float:
            return value
        if kind is int:
            return value if value.bit_length() <= MAX_BITS else {"opaque": "an enormous integer"}
        if kind is str:
            self.characters_left -= len(value)
            fits = len(value) <= MAX_TEXT and (self.characters_left >= 0 or not self.bounded)
            return value if fits else {"opaque": "a very long str"}
        if kind is Tensor or kind is torch.nn.Parameter:
            return self._tensor(value)
        if isinstance(value, Tensor):
            return {"opaque": f"a subclass of Tensor, {kind.__name__[:80]}"}
        if isinstance(value, tuple):
            return {"tuple": [self.encode(item, depth + 1) for item in tuple.__iter__(value)]}
        if kind is list:
            return {"list": [self.encode(item, depth + 1) for item in value]}
        if isinstance(value, dict):
            return {"dict": [[self._key(key), self.encode(item, depth + 1)] for key, item in dict.items(value)]}
        if kind is torch.dtype:
            return {"dtype": str(value).removeprefix("torch.")}
        if kind is torch.device:
            return {"device": str(value)}
        return {"opaque": f"an object of type {kind.__name__[:80]}"}

    def _key(self, key: Any) -> str:
        text = str(key)[:200]
        self.characters_left -= len(text)
        return text if self.characters_left >= 0 or not self.bounded else ""

    def _tensor(self, tensor: Tensor) -> Any:
        if tensor.layout is not torch.strided or tensor.is_quantized or tensor.device.type == "meta":
            return {"opaque": f"a tensor with layout {tensor.layout} on {tensor.device}"}
        dtype = str(tensor.dtype).removeprefix("torch.")
        if dtype not in DTYPES:
            return {"opaque": f"a tensor of dtype {dtype}"}
        if self.bounded and tensor.dim() > MAX_AXES:
            return {"opaque": f"a tensor with {tensor.dim()} axes"}
        self.bytes_left -= tensor.numel() * tensor.element_size()
        if self.bounded and (self.bytes_left < 0 or len(self.tensors) >= MAX_TENSORS):
            return {"opaque": f"a tensor of shape {tuple(tensor.shape)}, too large to be compared"}
        name = str(len(self.tensors))
        # A strided input must reach the learner's code as strided: the memory order goes along as a permutation.
        strides = tensor.stride()
        order = sorted(range(tensor.dim()), key=lambda axis: -strides[axis])
        stored = tensor.detach().permute(order).contiguous().cpu()
        place = stored.untyped_storage().data_ptr()
        if place in self.places or stored.numel() * stored.element_size() != stored.untyped_storage().nbytes():
            stored = stored.clone()  # safetensors stores no two tensors that share memory, and no part of one
        self.places.add(place)
        self.tensors[name] = stored
        return {"tensor": name, "order": order}


def _length(value: Any) -> int:
    """How many values a structure holds, whatever its class says of itself."""
    if isinstance(value, tuple):
        return tuple.__len__(value)
    if isinstance(value, dict):
        return dict.__len__(value)
    return len(value) if type(value) is list else 0


class Decoder:
    """The inverse of an `Encoder`: every tensor comes back on the CPU, and once.

    What judges an answer goes through all of it, so what is cheap to send must not be dear to look at.

    Args:
        tensors: those that came along.
        bounded: whether there is a limit on how many values there are; not for what is our own.
    """

    def __init__(self, tensors: Mapping[str, Tensor], bounded: bool = True) -> None:
        self.tensors = tensors  # not copied: those of a file are read one by one
        self.named = set[str]()
        self.bounded = bounded
        self.items = 0

    def decode(self, tree: Any, depth: int = 0) -> Any:
        """What one piece of JSON stands for.

        Raises:
            WireError: it is not what an `Encoder` makes.
        """
        self.items += 1
        if depth > MAX_DEPTH + 1 or (self.bounded and self.items > MOST_SENT):
            raise WireError("nested too deeply, or too large")
        if tree is None or isinstance(tree, bool | float):
            return tree
        if isinstance(tree, int):
            return _integer(tree)
        if isinstance(tree, str):
            return text_of(tree)
        if not isinstance(tree, dict):
            raise WireError("neither a value nor a tagged value")
        match tree:
            case {"tensor": str(name), "order": list(order)}:
                return self._tensor(name, order)
            case {"tuple": list(items)}:
                return tuple(self.decode(item, depth + 1) for item in items)
            case {"list": list(items)}:
                return [self.decode(item, depth + 1) for item in items]
            case {"dict": list(pairs)}:
                if not all(isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) for pair in pairs):
                    raise WireError("a dict that is no list of pairs")
                return {text_of(key): self.decode(item, depth + 1) for key, item in pairs}
            case {"dtype": str(name)} if name in DTYPES:
                return DTYPES[name]
            case {"device": str(name)}:
                return Opaque(f"device {text_of(name, 20)}")
            case {"opaque": str(what)}:
                return Opaque(text_of(what, 200))
        raise WireError("unknown tag")

    def _tensor(self, name: str, order: list[Any]) -> Tensor:
        tensor = None if name in self.named else self.tensors.get(name)
        if tensor is None:
            raise WireError("no such tensor, or one that was named before")
        self.named.add(name)
        if len(order) != tensor.dim() or (self.bounded and len(order) > MAX_AXES):
            raise WireError("not as many axes as there are, or more than there may be")
        if sorted(order) != list(range(len(order))):
            raise WireError("no permutation of the axes")
        inverse = [0] * len(order)
        for place, axis in enumerate(order):
            inverse[axis] = place
        return tensor.permute(inverse)


MOST_SENT = MAX_ITEMS + 64
"""An encoder that has reached its limit still says so where more would be; what is around an answer counts, too."""


def text_of(value: Any, longest: int = MAX_TEXT) -> str:
    """Text from a child, cut to a length, and without lone surrogates, which no file or terminal takes."""
    return str(value)[:longest].encode("utf-8", "replace").decode()


def _integer(value: int) -> int:
    if value.bit_length() > MAX_BITS:
        raise WireError("an enormous integer")
    return value


def pack(header: Any, tensors: dict[str, Tensor]) -> bytes:
    """One frame: lengths, JSON, safetensors."""
    text = json.dumps(header).encode()
    block = save_tensors(tensors) if tensors else b""
    return FRAME.pack(len(text), len(block)) + text + block


def unpack(text: bytes, block: bytes, bounded: bool = True) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The header and the tensors of one frame; ``bounded`` says that they may be only so many.

    Raises:
        WireError: the frame is not what `pack` makes.
    """
    if bounded and int.from_bytes(block[:8], "little") > MAX_NAMES_BYTES:
        raise WireError("more names of tensors than are ever sent")
    try:
        header = json.loads(text)
        tensors = load_tensors(block) if block else {}
    except Exception as error:
        raise WireError(f"a frame that cannot be read: {type(error).__name__}") from None
    if not isinstance(header, dict):
        raise WireError("a frame without a header")
    too_many = bounded and len(tensors) > MAX_TENSORS
    if too_many or not all(tensor.dtype in DTYPES.values() for tensor in tensors.values()):
        raise WireError("more tensors, or of other dtypes, than are ever sent")
    return header, tensors


def encode_calls(calls: list[Call], encoder: Encoder) -> list[Any]:
    """Calls as JSON, their tensors in the encoder. Probes are the author's text, of whatever length."""
    return [[call.probe, encoder.encode(dict(vars(call), probe=None))] for call in calls]


def decode_calls(header: Any, tensors: Mapping[str, Tensor]) -> list[Call]:
    """The inverse of `encode_calls`."""
    decoder = Decoder(tensors, bounded=False)
    return [Call(**{**decoder.decode(fields), "probe": probe}) for probe, fields in header]


def encode_outcome(outcome: Outcome, encoder: Encoder) -> dict[str, Any]:
    """An outcome as JSON, its tensors in the encoder; what is too large or not plain becomes `Opaque`."""
    return {
        # First what is the grader's own: what the learner's code returned may be as much as there is room for.
        "raised": encoder.encode(None if outcome.raised is None else dict(vars(outcome.raised))),
        "gradients": encoder.encode(outcome.gradients),
        "value": encoder.encode(outcome.value),
        "gradient_error": outcome.gradient_error,
        "changed": outcome.changed,
        "again": encoder.encode(outcome.again),
        "devices": outcome.devices,
        "seen": outcome.seen,
        "largest": outcome.largest,
    }


def decode_outcome(fields: dict[str, Any], tensors: Mapping[str, Tensor]) -> Outcome:
    """The inverse of `encode_outcome`, every field validated.

    Raises:
        WireError: a field is missing or not of its type.
    """
    try:
        decode = Decoder(tensors).decode
        raised = decode(fields["raised"])
        gradients = decode(fields["gradients"])
        if gradients is not None:
            gradients = {
                name: grad if isinstance(grad, Tensor) else None for name, grad in _expect(gradients, dict).items()
            }
        error = fields["gradient_error"]
        return Outcome(
            value=decode(fields["value"]),
            raised=None if raised is None else _raised(_expect(raised, dict)),
            gradients=gradients,
            gradient_error=None if error is None else text_of(error),
            changed=_names(fields["changed"]),
            again=decode(fields["again"]),
            devices=_names(fields["devices"]),
            seen=_names(fields["seen"]),
            largest=_integer(_expect(fields["largest"], int)),
        )
    except WireError:
        raise
    except Exception as error:
        raise WireError(f"an outcome that cannot be read: {type(error).__name__}") from None


def pack_outcome(index: int, outcome: Outcome, max_bytes: int = MAX_FRAME_BYTES) -> bytes:
    """The outcome of one call as a frame, with at most so many bytes of tensors."""
    encoder = Encoder(max_bytes)
    fields = encode_outcome(outcome, encoder)
    return pack({"call": index, **fields}, encoder.tensors)


def unpack_outcome(header: dict[str, Any], tensors: dict[str, Tensor]) -> tuple[int, Outcome]:
    """The number of a call and its outcome.

    Raises:
        WireError: a field is missing or not of its type.
    """
    return _expect(header.get("call"), int), decode_outcome(header, tensors)


def _expect(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise WireError(f"expected {kind.__name__}")
    return value


def _names(value: Any) -> list[str]:
    return [_name(name) for name in _expect(value, list)[:64]]


def _name(value: Any) -> str:
    """Made at run time, a class may have any name; it is quoted within sentences."""
    return " ".join(text_of(value, 80).split())


def unpack_loaded(header: dict[str, Any], targets: Sequence[str]) -> tuple[list[Raised], list[str]]:
    """How a submission's cells went: what they raised, and which of the targets they defined.

    Raises:
        WireError: a field is missing or not of its type.
    """
    try:
        errors = [_raised(_expect(error, dict)) for error in _expect(header["errors"], list)[:MAX_ERRORS]]
        defined = _expect(header["defined"], list)
        return errors, [name for name in targets if name in defined]
    except WireError:
        raise
    except Exception as error:
        raise WireError(f"a report on the cells that cannot be read: {type(error).__name__}") from None


def _raised(fields: dict[str, Any]) -> Raised:
    bases = fields["bases"]
    if not isinstance(bases, tuple | list):
        raise WireError("expected the names of classes")
    return Raised(
        type=_name(fields["type"]),
        bases=tuple(map(_name, bases[:16])),
        message=text_of(fields["message"]),
        line=_place(fields.get("line")),
        cell=_place(fields.get("cell")),
    )


def _place(number: Any) -> int | None:
    return number if type(number) is int and 0 < number < 2**31 else None


def cell_begun(header: dict[str, Any], after: int) -> int:
    """The number of the cell that a child says it begins, ``after`` that of the one before.

    Raises:
        WireError: it is no number of a cell, or of an earlier one.
    """
    number = _place(header["cell"])
    if number is None or number <= after:
        raise WireError("no cell that could be next has this number")
    return number
