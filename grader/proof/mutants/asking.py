"""Probes as text, which run beside a mutant: the same calls in other circumstances."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from grader.wire.calls import Call

_TEXTS = {
    "reseeded": """
def reseeded(target, seed, args, kwargs):
    import torch
    torch.manual_seed(seed)
    return asked(target, *args, **kwargs)
""",
    "spread": """
def spread(target, draws, args, kwargs):
    import torch

    def parts(tree):
        tree = list(tree.values()) if isinstance(tree, dict) else tree
        return [leaf for part in tree for leaf in parts(part)] if isinstance(tree, (tuple, list)) else [tree]

    def draw(number):
        torch.manual_seed(number)
        return [part for part in parts(target(*args, **kwargs)) if torch.is_tensor(part)]

    drawn = [torch.stack([x.detach().double() for x in one]) for one in zip(*map(draw, range(draws)))]
    target(*args, **kwargs)
    in_turn = [[part for part in parts(target(*args, **kwargs)) if torch.is_tensor(part)] for _ in range(4)]
    return {
        "mean": [x.mean(0) for x in drawn],
        "deviation": [x.std(0) for x in drawn],
        "zeros": [(x == 0).double().mean() for x in drawn],
        "dtypes": [str(x.dtype) for x in in_turn[0]],
        "differ": [any(not torch.equal(x, y) for other in in_turn for x, y in zip(in_turn[0], other))],
    }
""",
    "in_turn": """
def in_turn(target, calls):
    import torch
    answers = [target(*args, **kwargs) for args, kwargs in calls]
    if isinstance(target, torch.nn.Module):
        answers.append(dict(target.state_dict()))
    return answers
""",
    "through_modes": """
def through_modes(target, modes, args, kwargs):
    answers = []
    for training in modes:
        target.train(training)
        answer = target(*args, **kwargs)
        if not training:
            answers.append(answer)
        answers.append([module.training for module in target.modules()])
    return answers
""",
    "after_modes": """
def after_modes(target, modes, draws, args, kwargs):
    for training in modes:
        target.train(training)
        target(*args, **kwargs)
    return spread(target, draws, args, kwargs)
""",
    "without_gradients": """
def without_gradients(target, draws, args, kwargs):
    import torch
    with torch.no_grad():
        return spread(target, draws, args, kwargs) if draws else target(*args, **kwargs)
""",
    "inference": """
def inference(target, args, kwargs):
    import torch
    with torch.inference_mode():
        answer = target(*args, **kwargs)
        clone = lambda x: x.clone() if torch.is_tensor(x) else x
        return type(answer)(map(clone, answer)) if isinstance(answer, (tuple, list)) else clone(answer)
""",
    "elsewhere_by_default": """
def elsewhere_by_default(target, args, kwargs):
    import torch
    with torch.device("meta"):
        return asked(target, *args, **kwargs)
""",
    "after_conversion": """
def after_conversion(target, args, kwargs):
    import torch
    def wide(x):
        return x.double() if torch.is_tensor(x) and x.is_floating_point() else x
    target(*args, **kwargs)
    answer = target.double()(*map(wide, args), **{key: wide(x) for key, x in kwargs.items()})
    return answer
""",
}


def asking(call: Call, probe: str, *given: Any) -> Call:
    """A call in circumstances: one of the probes above is given these, then the arguments of the call."""
    own = call.probe or "\ndef asked(target, *args, **kwargs):\n    return target(*args, **kwargs)\n"
    if call.probe is not None:
        own += f"\nasked = {call.probe_name}\n"
    text = own + "".join(_TEXTS[name] for name in {"spread": 0, probe: 0})
    args = given if probe == "in_turn" else (*given, call.args, call.kwargs)
    plain = replace(call, args=args, kwargs={}, gradients=False, twice=False, measure=False)
    return replace(plain, probe=text, probe_name=probe)
