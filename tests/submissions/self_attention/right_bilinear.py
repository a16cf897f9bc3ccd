from typing import Optional

import torch
from torch import Tensor, nn


class SelfAttention(nn.Module):
    """Scores as the bilinear form x W x^T, W = Wq^T Wk; in float64 inside."""

    def __init__(self, embed_dim: int, bias: bool = True):
        super().__init__()
        self.embed_dim = embed_dim
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.k_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)

    def scores(self, x: Tensor) -> Tensor:
        wq, wk = self.q_proj.weight.double(), self.k_proj.weight.double()
        s = torch.einsum("bie,ef,bjf->bij", x, wq.t() @ wk, x)
        if self.q_proj.bias is not None:
            bq, bk = self.q_proj.bias.double(), self.k_proj.bias.double()
            s = s + (x @ (bq @ wk)).unsqueeze(-2) + (x @ (bk @ wq)).unsqueeze(-1) + bq.dot(bk)
        return s / self.embed_dim ** 0.5

    def forward(self, x: Tensor, mask: Optional[Tensor] = None) -> Tensor:
        wide = x.double()
        s = self.scores(wide)
        if mask is not None:
            s = torch.where(mask, s, -torch.inf)
        top = s.detach().amax(-1, keepdim=True)
        e = torch.exp(s - top.masked_fill(top == -torch.inf, 0))
        w = e / e.sum(-1, keepdim=True).clamp_min(torch.finfo(torch.float64).tiny)
        mixed = w @ wide
        out = mixed @ self.v_proj.weight.double().T
        if self.v_proj.bias is not None:
            out = out + w.sum(-1, keepdim=True) * self.v_proj.bias.double()
        return out.to(x.dtype)
