import math

import torch
from torch import nn

NORMS = (nn.LayerNorm, nn.GroupNorm, nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm, nn.RMSNorm)


def init_attention_(module):
    for m in module.modules():
        if isinstance(m, nn.Linear):
            nn.init.xavier_uniform_(m.weight)
            if m.bias is not None:
                nn.init.zeros_(m.bias)
    return module


def warmup_lr(step, d_model, warmup_steps):
    if step < 1:
        raise ValueError("step counts from 1")
    return d_model ** -0.5 * min(step ** -0.5, step * warmup_steps ** -1.5)


def parameter_groups(model, weight_decay):
    exempt = set()
    for m in model.modules():
        if isinstance(m, NORMS + (nn.Embedding, nn.EmbeddingBag)):
            exempt.update(id(p) for p in m.parameters(recurse=False))
    decayed, rest = [], []
    for name, p in model.named_parameters():
        (rest if id(p) in exempt or name.split(".")[-1].endswith("bias") else decayed).append(p)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


def clip_by_global_norm_(parameters, max_norm):
    grads = [p.grad for p in parameters if p.grad is not None]
    total = math.sqrt(sum(float(g.detach().double().pow(2).sum()) for g in grads))
    if total > max_norm:
        for g in grads:
            g.mul_(max_norm / total)
    return total
