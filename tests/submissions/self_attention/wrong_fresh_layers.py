# family: state
# mistake: new layers are created at every forward.
import torch
from torch import nn


class SelfAttention(nn.Module):
    def __init__(self, embed_dim, bias=True):
        super().__init__()
        self.embed_dim, self.bias = embed_dim, bias

    def forward(self, x, mask=None):
        E = self.embed_dim
        for name in ("q_proj", "k_proj", "v_proj"):
            setattr(self, name, nn.Linear(E, E, bias=self.bias, dtype=x.dtype, device=x.device))
        s = self.q_proj(x) @ self.k_proj(x).mT / E ** 0.5
        if mask is not None:
            s = s.masked_fill(~mask, -torch.inf)
        w = s.softmax(-1)
        if mask is not None:
            w = w.masked_fill(~mask, 0)
        return w @ self.v_proj(x)
