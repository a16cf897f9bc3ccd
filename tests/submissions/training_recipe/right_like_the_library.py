"""apply, a set of ids of what does not decay, torch's clipping coefficient with its 1e-6."""
import torch
from torch import nn


@torch.no_grad()
def init_attention_(module):
    def one(layer):
        if isinstance(layer, nn.Linear):
            out_features, in_features = layer.weight.shape
            bound = (6 / (in_features + out_features)) ** 0.5
            layer.weight.uniform_(-bound, bound)
            if layer.bias is not None:
                layer.bias.fill_(0)

    return module.apply(one)


def warmup_lr(step, d_model, warmup_steps):
    if step < 1:
        raise ValueError("steps are counted from 1")
    if step < warmup_steps:
        return step / (warmup_steps * (d_model * warmup_steps) ** 0.5)
    return 1 / (d_model * step) ** 0.5


def parameter_groups(model, weight_decay):
    spared = set()
    for layer in model.modules():
        for name, parameter in layer.named_parameters(recurse=False):
            if name == "bias" or isinstance(layer, (nn.LayerNorm, nn.Embedding)):
                spared.add(id(parameter))
    everything = list(model.parameters())
    return [
        {"params": [p for p in everything if id(p) not in spared], "weight_decay": weight_decay},
        {"params": [p for p in everything if id(p) in spared], "weight_decay": 0.0},
    ]


@torch.no_grad()
def clip_by_global_norm_(parameters, max_norm):
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        return torch.tensor(0.0)
    norms = torch.stack([g.double().norm() for g in gradients])
    norm = norms.norm()
    factor = (max_norm / (norm + 1e-6)).clamp(max=1.0).item()
    if factor < 1:
        for g in gradients:
            g.mul_(factor)
    return norm
