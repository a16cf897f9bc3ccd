# family: state, numerics
# mistake: Embeddings are decayed: only vectors are exempt.
import torch
from torch import nn


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
    rising, falling = step * warmup_steps ** -1.5, step ** -0.5
    return min(rising, falling) / d_model ** 0.5


def parameter_groups(model, weight_decay):
    decayed, free = [], []
    for p in model.parameters():
        (free if p.ndim < 2 else decayed).append(p)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


def clip_by_global_norm_(parameters, max_norm):
    grads = [p.grad for p in parameters if p.grad is not None]
    norm = sum(float(g.pow(2).sum()) for g in grads) ** 0.5
    if norm > max_norm:
        for g in grads:
            g.mul_(max_norm / norm)
    return norm
