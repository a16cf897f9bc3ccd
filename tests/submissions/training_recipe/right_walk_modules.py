import math

import torch
from torch import nn


def _linears(module):
    return (m for m in module.modules() if isinstance(m, nn.Linear))


def init_attention_(module):
    for linear in _linears(module):
        nn.init.xavier_uniform_(linear.weight, gain=1.0)
        if linear.bias is not None:
            nn.init.constant_(linear.bias, 0.0)


def warmup_lr(step, d_model, warmup_steps):
    if step <= 0:
        raise ValueError("the first step is step 1")
    return min(1 / math.sqrt(step), step / warmup_steps ** 1.5) / math.sqrt(d_model)


def parameter_groups(model, weight_decay):
    plain, seen = [], set()
    for m in model.modules():
        is_weighty = isinstance(m, (nn.Linear, nn.modules.conv._ConvNd, nn.MultiheadAttention))
        for name, p in m.named_parameters(recurse=False):
            if not is_weighty or "bias" in name:
                if id(p) not in seen:
                    seen.add(id(p))
                    plain.append(p)
    decayed = [p for p in model.parameters() if id(p) not in seen]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]


def clip_by_global_norm_(parameters, max_norm):
    parameters = [p for p in parameters if p.grad is not None]
    square = 0.0
    for p in parameters:
        square += p.grad.detach().float().norm().item() ** 2
    norm = square ** 0.5
    scale = min(1.0, max_norm / norm) if norm > 0 else 1.0
    if scale < 1:
        for p in parameters:
            p.grad = p.grad * scale
    return norm
