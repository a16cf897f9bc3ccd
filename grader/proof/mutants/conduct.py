"""The first generator, its behavioural half: right answers that are kept, written into, cast, detached or seeded."""

from __future__ import annotations

from collections.abc import Iterator

from grader.proof.mutants.mutant import Mutant
from grader.proof.mutants.wrapping import wrapped

_CALL = "right(*args, **kwargs)"

_STATE = {
    "the first answer is given for ever": """
if "answer" not in kept:
    kept["answer"] = right(*args, **kwargs)
return kept["answer"]
""",
    "an answer is kept for its shapes": """
shapes = str([tuple(tensor.shape) for tensor in _tensors(args, kwargs)] or [args, kwargs])
if shapes not in kept:
    kept[shapes] = right(*args, **kwargs)
return kept[shapes]
""",
    "an answer is kept for its first tensor": """
first = str([tensor.tolist() for tensor in _tensors(args, kwargs)[:1]] or [args, kwargs])
if first not in kept:
    kept[first] = right(*args, **kwargs)
return kept[first]
""",
    "masks are those of the first call of their shape": """
def known(leaf):
    if isinstance(leaf, torch.Tensor) and leaf.dtype == torch.bool:
        return kept.setdefault(tuple(leaf.shape), leaf.clone())
    return leaf
return right(*_changed(known, args), **_changed(known, kwargs))
""",
    "keywords are those of the first call": """
return right(*args, **kept.setdefault("keywords", dict(kwargs)))
""",
    "the dtype is that of the first call": """
dtype = kept.setdefault("dtype", [tensor.dtype for tensor in _floats(args, kwargs)][:1])
return _numbers(lambda x: x.to(dtype[0]) if dtype and isinstance(x, torch.Tensor) else x, right(*args, **kwargs))
""",
    "the third call and all later ones are doubled": """
kept["calls"] = kept.get("calls", 0) + 1
return _numbers(lambda x: 2 * x if kept["calls"] > 2 else x, right(*args, **kwargs))
""",
    "parameters are those of the first call": """
if module is not None:
    names = kept.setdefault("state", {name: p.detach().clone() for name, p in module.named_parameters()})
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.dtype == names[name].dtype:
                parameter.copy_(names[name])
return right(*args, **kwargs)
""",
    "parameters shrink with every call": """
if module is not None:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(0.9)
return right(*args, **kwargs)
""",
    "a buffer appears after the first call": """
if module is not None and "_seen" not in module._buffers:
    module.register_buffer("_seen", torch.zeros(1))
return right(*args, **kwargs)
""",
}

_WRITES = {
    f"the {said} tensor is {done}": f"""
result = {_CALL}
given = _tensors(args, kwargs)
if len(given) > {number} or {number} < 0 and given:
    tensor = given[{number}].detach()
    {write}
return result
"""
    for number, said in ((0, "first"), (1, "second"), (2, "third"), (-1, "last"))
    for done, write in (
        ("overwritten with zeros", "tensor.zero_()"),
        (
            "changed in one entry",
            "tensor.view(-1)[-1:] = 1 - tensor.view(-1)[-1:].float() if tensor.is_contiguous() else 0",
        ),
    )
} | {
    "lists that are given are reversed": f"""
result = {_CALL}
for value in (*args, *kwargs.values()):
    if isinstance(value, list):
        value.reverse()
return result
""",
    "masks are inverted in place, for the call": f"""
masks = [tensor for tensor in _tensors(args, kwargs) if tensor.dtype == torch.bool]
result = {_CALL}
for mask in masks:
    mask.logical_not_()
return result
""",
}

_ANSWERS = {
    **{
        f"the answer is {dtype}": f"""
return _numbers(lambda x: x.to(torch.{dtype}) if isinstance(x, torch.Tensor) else x, {_CALL})
"""
        for dtype in ("float32", "float64", "bfloat16")
    },
    "computed in bfloat16": """
half = lambda x: x.to(torch.bfloat16).to(x.dtype) if isinstance(x, torch.Tensor) else x
return right(*_numbers(half, args), **_numbers(half, kwargs))
""",
    "detached": f"return _numbers(lambda x: x.detach() if isinstance(x, torch.Tensor) else x, {_CALL})",
    "inputs detached": """
cut = lambda x: x.detach() if isinstance(x, torch.Tensor) else x
return right(*_numbers(cut, args), **_numbers(cut, kwargs))
""",
    "under no_grad": f"""
with torch.no_grad():
    return {_CALL}
""",
    "a list for a tuple": f"""
result = {_CALL}
return list(result) if isinstance(result, tuple) else result
""",
    "a plain list of numbers": f"return _numbers(lambda x: x.tolist() if isinstance(x, torch.Tensor) else x, {_CALL})",
    "a tuple of one": f"return ({_CALL},)",
    "one axis more": f"return _numbers(lambda x: x[None] if isinstance(x, torch.Tensor) else x, {_CALL})",
    "squeezed": f"return _numbers(lambda x: x.squeeze() if isinstance(x, torch.Tensor) else x, {_CALL})",
    "inputs squeezed": """
flat = lambda x: x.squeeze() if isinstance(x, torch.Tensor) else x
return right(*_changed(flat, args), **_changed(flat, kwargs))
""",
    "clamped to ±3": f"return _numbers(lambda x: x.clamp(-3, 3) if isinstance(x, torch.Tensor) else x, {_CALL})",
    "nan_to_num": f"return _numbers(lambda x: x.nan_to_num() if isinstance(x, torch.Tensor) else x, {_CALL})",
}

_LAYOUT = {
    "memory is read in order": """
def in_order(x):
    if not isinstance(x, torch.Tensor) or x.is_contiguous():
        return x
    return torch.as_strided(x, x.shape, torch.empty(x.shape, device="meta").stride())
return right(*_changed(in_order, args), **_changed(in_order, kwargs))
""",
    "inputs are viewed": """
seen = lambda x: x.view(-1).view(x.shape) if isinstance(x, torch.Tensor) else x
return right(*_changed(seen, args), **_changed(seen, kwargs))
""",
}

_RANDOM = {
    "seeded in the call": f"torch.manual_seed(0)\nreturn {_CALL}",
    "seeded once": f"kept.get('seeded') or torch.manual_seed(0)\nkept['seeded'] = True\nreturn {_CALL}",
    "random state put back": f"""
with torch.random.fork_rng(devices=[]):
    return {_CALL}
""",
    "a little noise": f"return _numbers(lambda x: x * (1 + 0.01 * torch.rand(()).item()), {_CALL})",
}

_MODES = {
    said: f"""
if module is not None:
    before = module.training
    module.train({mode})
    result = {_CALL}
    module.train(before)
    return result
return {_CALL}
"""
    for said, mode in {
        "always in evaluation": "False",
        "always in training": "True",
        "the mode of the first call": "kept.setdefault('mode', before)",
        "training only where gradients are recorded": "before and torch.is_grad_enabled()",
        "training wherever gradients are recorded": "torch.is_grad_enabled()",
        "in evaluation after one evaluation": "kept.update(on=kept.get('on', True) and before) or kept['on']",
        "in training after one training": "kept.update(on=kept.get('on', False) or before) or kept['on']",
    }.items()
} | {
    "left in evaluation": f"result = {_CALL}\nmodule is None or module.eval()\nreturn result",
    "left in training": f"result = {_CALL}\nmodule is None or module.train()\nreturn result",
}

CONDUCT = {
    "kept state": _STATE,
    "writes": _WRITES,
    "answers": _ANSWERS,
    "layouts": _LAYOUT,
    "randomness": _RANDOM,
    "modes": _MODES,
}


def behavioural(reference: str, targets: tuple[str, ...]) -> Iterator[Mutant]:
    """The reference, called in each of these ways."""
    for kind, ways in CONDUCT.items():
        for what, body in ways.items():
            yield Mutant(kind, wrapped(reference, targets, body), what)
