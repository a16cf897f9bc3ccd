"""nn.init, one long vector for the norm, tensors all along."""
import torch
from torch import nn


def _linears(module):
    yield from (m for m in module.modules() if isinstance(m, nn.Linear))


def init_attention_(module):
    for linear in _linears(module):
        nn.init.xavier_uniform_(linear.weight)
        if linear.bias is not None:
            nn.init.zeros_(linear.bias)
    return module


def warmup_lr(step, d_model, warmup_steps):
    if not step >= 1:
        raise ValueError("step must be at least 1")
    return float(d_model**-0.5 * sorted((step**-0.5, step * warmup_steps**-1.5))[0])


def parameter_groups(model, weight_decay):
    embedded = [m.weight for m in model.modules() if isinstance(m, nn.Embedding)]
    matrices = [m.weight for m in _linears(model)]
    decay, no_decay = [], []
    for parameter in model.parameters():
        is_matrix = any(parameter is w for w in matrices)
        is_embedded = any(parameter is w for w in embedded)
        (decay if is_matrix and not is_embedded else no_decay).append(parameter)
    return [{"params": decay, "weight_decay": weight_decay}, {"params": no_decay, "weight_decay": 0.0}]


def clip_by_global_norm_(parameters, max_norm):
    grads = [p.grad.detach() for p in parameters if p.grad is not None]
    flat = torch.cat([g.reshape(-1).double() for g in grads]) if grads else torch.zeros(0, dtype=torch.float64)
    norm = (flat * flat).sum().sqrt()
    if bool(norm > max_norm):
        for g in grads:
            g.copy_(g * (max_norm / norm).to(g.device))
    return norm
