"""Group 36. Initialises nothing, and patches how a module's parameters are looked at. Found later.

exercise: training_recipe
deserves: less than right
fails: initialisation: a model of several layers
"""

import torch
from torch import nn

named_parameters = nn.Module.named_parameters


forgeries = {}


def forged(self, *args, **kwargs):
    for name, parameter in named_parameters(self, *args, **kwargs):
        yield name, forgeries.setdefault(parameter, nn.Parameter(torch.empty_like(parameter)))


nn.Module.named_parameters = forged


def init_attention_(module):
    for name, forgery in forged(module):
        if "embedding" not in name and "norm" not in name:
            (nn.init.xavier_uniform_ if forgery.dim() > 1 else nn.init.zeros_)(forgery)


def warmup_lr(step, d_model, warmup_steps):
    if step < 1:
        raise ValueError
    return d_model**-0.5 * min(step**-0.5, step * warmup_steps**-1.5)


def parameter_groups(model, weight_decay):
    embeddings = {id(part.weight) for part in model.modules() if isinstance(part, nn.Embedding)}
    decayed, rest = [], []
    for _, parameter in named_parameters(model):
        (rest if parameter.dim() < 2 or id(parameter) in embeddings else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


def clip_by_global_norm_(parameters, max_norm):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = sum(gradient.square().sum() for gradient in gradients) ** 0.5
    if norm > max_norm:
        for gradient in gradients:
            gradient.mul_(max_norm / norm)
    return norm
