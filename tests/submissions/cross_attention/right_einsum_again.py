import torch
from torch import nn


class CrossAttention(nn.Module):
    def __init__(self, embed_dim, num_heads, context_dim=None):
        if embed_dim % num_heads != 0:
            raise ValueError("embed_dim must be divisible by num_heads")
        super().__init__()
        context_dim = context_dim or embed_dim
        self.H, self.d = num_heads, embed_dim // num_heads
        for name, width in {"q": embed_dim, "k": context_dim, "v": context_dim, "out": embed_dim}.items():
            self.add_module(name + "_proj", nn.Linear(width, embed_dim))

    def split(self, t):
        return t.unflatten(-1, (self.H, self.d)).double()

    def forward(self, x, context, context_mask=None):
        q, k, v = map(self.split, (self.q_proj(x), self.k_proj(context), self.v_proj(context)))
        s = torch.einsum("blhd,bshd->bhls", q, k) * self.d ** -0.5
        if context_mask is not None:
            bias = torch.zeros_like(context_mask, dtype=s.dtype).masked_fill_(~context_mask, torch.finfo(s.dtype).min)
            s = s + bias[:, None, None, :]
        w = torch.softmax(s, dim=-1)
        if context_mask is not None:
            w = w * context_mask.any(dim=1)[:, None, None, None]
        return self.out_proj(torch.einsum("bhls,bshd->blhd", w, v).flatten(2).to(x.dtype))
