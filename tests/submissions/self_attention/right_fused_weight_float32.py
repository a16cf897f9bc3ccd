import torch
from torch import nn


class _Projections(nn.Module):
    def __init__(self, width, bias):
        super().__init__()
        self.q_proj = nn.Linear(width, width, bias)
        self.k_proj = nn.Linear(width, width, bias)
        self.v_proj = nn.Linear(width, width, bias)

    def project(self, x):
        layers = (self.q_proj, self.k_proj, self.v_proj)
        W = torch.cat([p.weight for p in layers])
        b = None if self.q_proj.bias is None else torch.cat([p.bias for p in layers])
        return nn.functional.linear(x, W, b).chunk(3, dim=-1)


class SelfAttention(_Projections):
    def __init__(self, embed_dim, bias=True):
        super().__init__(embed_dim, bias)

    def forward(self, x, mask=None):
        acc = torch.promote_types(x.dtype, torch.float32)
        q, k, v = (t.to(acc) for t in self.project(x))
        s = q @ k.mT / q.shape[-1] ** 0.5
        keep = torch.ones_like(s, dtype=torch.bool) if mask is None else mask.expand_as(s)
        s = s.masked_fill(~keep, -torch.inf)
        top = s.amax(-1, keepdim=True).detach().clamp(min=torch.finfo(acc).min)
        e = (s - top).exp()
        total = e.sum(-1, keepdim=True)
        weights = e / total.masked_fill(total == 0, 1.0)
        return (weights @ v).to(x.dtype)
