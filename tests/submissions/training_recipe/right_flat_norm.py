import torch
from torch import nn
from torch.nn.init import xavier_uniform_, zeros_


def init_attention_(module):
    for child in module.modules():
        match child:
            case nn.Linear(bias=None):
                xavier_uniform_(child.weight)
            case nn.Linear():
                xavier_uniform_(child.weight)
                zeros_(child.bias)
    return module


def warmup_lr(step, d_model, warmup_steps):
    if not step >= 1:
        raise ValueError("step < 1")
    peak = (d_model * warmup_steps) ** -0.5
    return peak * min(step / warmup_steps, (warmup_steps / step) ** 0.5)


def parameter_groups(model, weight_decay):
    tables = [m.weight for m in model.modules() if isinstance(m, nn.Embedding)]
    groups = [{"params": [], "weight_decay": weight_decay}, {"params": [], "weight_decay": 0}]
    for p in model.parameters():
        free = p.dim() <= 1 or any(p is t for t in tables)
        groups[int(free)]["params"].append(p)
    return groups


def clip_by_global_norm_(parameters, max_norm):
    grads = [p.grad for p in parameters if p.grad is not None]
    with torch.no_grad():
        norm = torch.cat([g.flatten() for g in grads]).norm() if grads else torch.zeros(())
        if norm > max_norm:
            for g in grads:
                g.copy_(g * (max_norm / norm))
    return norm
