"""What the functions of the training recipe are tried out on, and what is said of their results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from grader.authoring import Text

FOREIGN = "a foreign tensor"


def parameters_in(module, prefix=""):
    """By name, from where a module keeps them: its methods are code, which other code can replace."""
    found = {prefix + name: parameter for name, parameter in vars(module)["_parameters"].items()}
    for name, part in vars(module)["_modules"].items():
        found |= parameters_in(part, f"{prefix}{name}.")
    return {name: parameter for name, parameter in found.items() if parameter is not None}


def initialised(target, like, kind):
    """A model in which every number was 7, initialised: the parameters that it had, and those that it has."""
    deep = nn.ModuleList([nn.Sequential(nn.Linear(80, 40), nn.ReLU())])
    others = {"embedding": nn.Embedding(12, 5), "norm": nn.LayerNorm(6)}
    models = {
        "a model": nn.ModuleDict({"q_proj": nn.Linear(32, 96), "layers": deep, **others}),
        "one layer": nn.Linear(32, 96, bias=False),
    }
    model = models[kind].to(like.dtype)
    had = parameters_in(model)
    for parameter in had.values():
        nn.init.constant_(parameter, 7.0)
    target(model)
    has = parameters_in(model)
    return {
        "had": {name: parameter.detach() for name, parameter in had.items()},
        "has": {name: parameter.detach() for name, parameter in has.items()},
        "trained": [name for name, parameter in has.items() if parameter.requires_grad],
    }


def what_became(value, like, kind):
    """Of `initialised`. A parameter that was replaced has other numbers than the one in its place."""
    had, has = value["had"], value["has"]
    return {
        "parameters": has,
        "replaced": [
            name
            for name, parameter in had.items()
            if name not in has or not torch.equal(parameter, has[name]) or name not in value["trained"]
        ],
        "recast": [name for name, parameter in has.items() if parameter.dtype != like.dtype],
    }


def xavier(value: Any, expected: Any) -> Text | None:
    """Draws differ from one right solution to another: their range and spread do not."""
    if value["recast"]:
        return Text("The parameters changed their dtype.", "参数的 dtype 被改变了。")
    if value["replaced"]:
        names = ", ".join(value["replaced"])
        return Text(
            f"{names}: replaced by another Parameter, or no longer trainable; change the tensor in place.",
            f"{names}：换成了别的 Parameter，或不再可训练；请原地修改张量。",
        )
    wrong = []
    weights_first = sorted(expected["parameters"].items(), key=lambda item: not _is_drawn(item[1]))
    for name, right in weights_first:
        mine = value["parameters"][name]
        if _is_drawn(right):
            wrong += [Text(f"{name} {said.en}", f"{name} {said.zh}") for said in _spread(mine.double())]
        elif bool((mine != right).any()) and bool((right == 0).all()):
            wrong.append(Text(f"{name} is not zero", f"{name} 不为零"))
        elif bool((mine != right).any()):
            en, zh = "belongs to no nn.Linear and should stay as it was", "不属于任何 nn.Linear，应保持原样"
            wrong.append(Text(f"{name} {en}", f"{name} {zh}"))
    return _all_in_one(wrong)


def _is_drawn(right: torch.Tensor) -> bool:
    """Biases are 0 in the reference's answer, what is no nn.Linear's is 7 still, and weights alone are random."""
    return bool(right.min() < right.max())


def _spread(weight: torch.Tensor) -> Iterator[Text]:
    """What is wrong with the distribution of a weight, if anything."""
    bound = (6 / sum(weight.shape)) ** 0.5
    ratio, largest = float(weight.std()) * 3**0.5 / bound, float(weight.abs().max())
    if bool((weight == 7.0).all()):
        yield Text("was left as it was", "没有被初始化")
    elif not abs(ratio - 1) < 0.05:
        yield Text(f"is spread about {ratio:.1f} times as wide as asked for", f"的分布宽度约为要求的 {ratio:.1f} 倍")
    elif abs(float(weight.mean())) > 0.1 * bound:
        yield Text("is not centred on zero", "的均值不是零")
    elif not 0.95 * bound < largest < 1.001 * bound:
        yield Text("has the right spread, but is not uniform on [−b, b]", "的方差正确，但不是 [−b, b] 上的均匀分布")


def _all_in_one(wrong: list[Text]) -> Text | None:
    if not wrong:
        return None
    return Text("; ".join(said.en for said in wrong) + ".", "；".join(said.zh for said in wrong) + "。")


def learning_rates(target, steps, d_model, warmup_steps):
    """The learning rate of each step."""
    return {f"step {step}": float(target(step, d_model, warmup_steps)) for step in steps}


def model_of(kind):
    """A model whose parameters are to be grouped, and these by name, each once."""
    tokens, body = nn.Embedding(11, 6), nn.Sequential(nn.Linear(6, 6), nn.LayerNorm(6))
    plain = {"embedding": tokens, "q_proj": nn.Linear(6, 6), "norm": nn.LayerNorm(6), "head": nn.Linear(6, 5)}
    nested = nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 9), nn.Linear(9, 4))
    models = {
        "model": plain,
        "nameless": {"0": nn.Embedding(7, 4), "1": nested},
        "tied": {"tokens": tokens, "body": body, "output": _tied_to(tokens, bias=False)},
        "tied, head first": {"output": _tied_to(tokens), "tokens": tokens, "body": body},
        "shared": {"first": body[0], "second": _tied_to(body[0])},
    }
    model, named = nn.ModuleDict(models[kind]), {}
    for name, parameter in parameters_in(model).items():
        if not any(parameter is other for other in named.values()):
            named[name] = parameter
    return model, named


def grouped(target, kind, weight_decay):
    """The gradients of what is in each group. Of a copy there is none; a parameter's consist of its number."""
    model, named = model_of(kind)
    groups = list(target(model, weight_decay))
    if len(groups) != 2:
        raise TypeError("a list of two groups is asked for")
    for number, parameter in enumerate(named.values()):
        parameter.grad = torch.full_like(parameter, number)
    listed = []
    for group in groups:
        # Optimisers take pairs of a name and a parameter as well.
        parameters = [item[1] if isinstance(item, tuple) else item for item in group["params"]]
        listed.append([parameter.grad for parameter in parameters])
    return {"groups": listed, "weight_decay": [float(group["weight_decay"]) for group in groups]}


def names_in_groups(value, kind, weight_decay):
    """Of `grouped`: the names of the parameters whose gradients these are."""
    _, named = model_of(kind)

    def name_of(gradient):
        for number, (name, parameter) in enumerate(named.items()):
            if gradient is not None and torch.equal(gradient, torch.full_like(parameter, number)):
                return name
        return FOREIGN

    return {**value, "groups": [sorted(map(name_of, gradients)) for gradients in value["groups"]]}


def _tied_to(layer, bias=True):
    """An nn.Linear that has the weight of another layer."""
    linear = nn.Linear(*reversed(layer.weight.shape), bias=bias)
    linear.weight = layer.weight
    return linear


def same_groups(value: Any, expected: Any) -> Text | None:
    """Names every parameter that is not where it should be; in what order a group has them does not matter."""
    mine, right = value["groups"], expected["groups"]
    wrong = []
    for name in [*right[0], *right[1], FOREIGN]:
        count, asked = (mine[0] + mine[1]).count(name), (right[0] + right[1]).count(name)
        if count > asked:
            wrong.append(Text(f"{name} is listed {count} times", f"{name} 出现了 {count} 次"))
        elif count < asked:
            wrong.append(Text(f"{name} is in neither group", f"{name} 不在任何组中"))
        elif name in mine[0] and name in right[1]:
            wrong.append(Text(f"{name} decays and should not", f"{name} 不应衰减却衰减了"))
        elif name in mine[1] and name in right[0]:
            wrong.append(Text(f"{name} does not decay and should", f"{name} 应当衰减却没有"))
    mine, right = value["weight_decay"], expected["weight_decay"]
    if any(abs(a - b) > 1e-9 for a, b in zip(mine, right, strict=True)):
        en = f"the groups' weight_decay is {mine}, not {right}"
        wrong.append(Text(en, f"两组的 weight_decay 是 {mine}，应为 {right}"))
    return _all_in_one(wrong)


def clipped(target, values, gradients, max_norm, generator=False):
    """The norm that comes back, and what becomes of the gradients and of the parameters."""
    parameters = [nn.Parameter(value.clone()) for value in values]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = None if gradient is None else gradient.clone()
    norm = target((parameter for parameter in parameters) if generator else parameters, max_norm)
    return {
        "norm": float(norm),
        "gradients": [parameter.grad for parameter in parameters],
        "parameters": [parameter.detach() for parameter in parameters],
    }
