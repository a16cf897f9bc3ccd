import torch
from torch import Tensor, nn


def phi(x: Tensor) -> Tensor:
    return nn.ELU()(x) + 1


def linear_attention(q: Tensor, k: Tensor, v: Tensor, causal: bool = False, eps: float = 1e-6) -> Tensor:
    q, k = phi(q), phi(k)
    if not causal:
        top = q @ (k.transpose(-1, -2) @ v)
        bottom = q @ k.sum(-2).unsqueeze(-1)
        return top / (bottom + eps)
    if q.size(-2) != k.size(-2):
        raise ValueError("causal linear attention needs as many keys as queries")
    state = torch.zeros_like(k[..., 0, :, None] * v[..., 0, None, :])
    norm = torch.zeros_like(k[..., 0, :])
    outs = []
    for t in range(q.size(-2)):
        kt, vt, qt = k[..., t, :], v[..., t, :], q[..., t, :]
        state = state + kt.unsqueeze(-1) * vt.unsqueeze(-2)
        norm = norm + kt
        top = (qt.unsqueeze(-2) @ state).squeeze(-2)
        outs.append(top / ((qt * norm).sum(-1, keepdim=True) + eps))
    return torch.stack(outs, dim=-2)
