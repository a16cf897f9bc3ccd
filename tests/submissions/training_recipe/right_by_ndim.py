import torch
from torch import nn


def init_attention_(module: nn.Module) -> None:
    @torch.no_grad()
    def init(layer):
        if not isinstance(layer, nn.Linear):
            return
        bound = (6 / (layer.in_features + layer.out_features)) ** 0.5
        layer.weight.uniform_(-bound, bound)
        if layer.bias is not None:
            layer.bias.zero_()

    module.apply(init)


def warmup_lr(step: int, d_model: int, warmup_steps: int) -> float:
    if step < 1:
        raise ValueError(f"step must be at least 1, got {step}")
    if step < warmup_steps:
        return step / (warmup_steps ** 1.5 * d_model ** 0.5)
    return 1 / (step * d_model) ** 0.5


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    embedded = {e.weight for e in model.modules() if isinstance(e, nn.Embedding)}
    unique = list(dict.fromkeys(model.parameters()))
    decayed = [p for p in unique if p.ndim >= 2 and p not in embedded]
    kept = [p for p in unique if p.ndim < 2 or p in embedded]
    return [dict(params=decayed, weight_decay=weight_decay), dict(params=kept, weight_decay=0.0)]


@torch.no_grad()
def clip_by_global_norm_(parameters, max_norm: float) -> torch.Tensor:
    grads = [p.grad for p in parameters if p.grad is not None]
    if not grads:
        return torch.tensor(0.0)
    norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g, dtype=torch.float64) for g in grads]))
    factor = (max_norm / (norm + 1e-6)).clamp(max=1.0)
    for g in grads:
        g.mul_(factor.to(g.dtype))
    return norm
