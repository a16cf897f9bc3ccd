"""Recursion over children, logarithms for the schedule, dictionaries for the groups, floats for the norm."""
import math
from collections import OrderedDict

import torch
from torch import nn


def init_attention_(module: nn.Module) -> None:
    for child in module.children():
        init_attention_(child)
    if isinstance(module, nn.Linear):
        bound = math.sqrt(6.0 / (module.in_features + module.out_features))
        noise = torch.rand(module.weight.shape, device=module.weight.device, dtype=torch.float32)
        module.weight.data.copy_((2 * noise - 1) * bound)
        if module.bias is not None:
            module.bias.data.zero_()


def warmup_lr(step: int, d_model: int, warmup_steps: int) -> float:
    if step < 1:
        raise ValueError(f"step {step} is below 1")
    up = math.log(step) - 1.5 * math.log(warmup_steps)
    down = -0.5 * math.log(step)
    return math.exp(min(up, down) - 0.5 * math.log(d_model))


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    decays: "OrderedDict[int, nn.Parameter]" = OrderedDict()
    rests: "OrderedDict[int, nn.Parameter]" = OrderedDict()
    for layer in model.modules():
        own = layer._parameters
        for name in own:
            if own[name] is None:
                continue
            target = decays if isinstance(layer, nn.Linear) and name == "weight" else rests
            target.setdefault(id(own[name]), own[name])
    for key in rests:
        decays.pop(key, None)
    return [
        dict(params=list(decays.values()), weight_decay=weight_decay),
        dict(params=list(rests.values()), weight_decay=0.0),
    ]


def clip_by_global_norm_(parameters, max_norm) -> float:
    kept = [p for p in parameters if p.grad is not None]
    norm = math.sqrt(math.fsum(float((p.grad.detach().double() ** 2).sum()) for p in kept))
    if norm > max_norm:
        for p in kept:
            p.grad.detach().mul_(max_norm / norm)
    return norm
