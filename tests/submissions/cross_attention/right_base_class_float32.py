import torch
from torch import nn


class HeadedModule(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError("embed_dim has to be a multiple of num_heads")
        self.h = num_heads

    def fold(self, t):
        b, n, e = t.shape
        return t.reshape(b, n, self.h, e // self.h).permute(0, 2, 1, 3).reshape(b * self.h, n, e // self.h)

    def unfold(self, t):
        bh, n, d = t.shape
        return t.reshape(bh // self.h, self.h, n, d).permute(0, 2, 1, 3).reshape(bh // self.h, n, self.h * d)


class CrossAttention(HeadedModule):
    def __init__(self, embed_dim, num_heads, context_dim=None):
        super().__init__(embed_dim, num_heads)
        context_dim = context_dim if context_dim is not None else embed_dim
        self.q_proj = nn.Linear(embed_dim, embed_dim)
        self.k_proj = nn.Linear(context_dim, embed_dim)
        self.v_proj = nn.Linear(context_dim, embed_dim)
        self.out_proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, context, context_mask=None):
        q, k, v = self.fold(self.q_proj(x)), self.fold(self.k_proj(context)), self.fold(self.v_proj(context))
        scores = torch.baddbmm(torch.zeros(1, 1, 1, dtype=q.dtype, device=q.device), q, k.mT, alpha=q.size(-1) ** -0.5)
        if context_mask is not None:
            blocked = context_mask.logical_not().repeat_interleave(self.h, dim=0).unsqueeze(1)
            scores = scores.masked_fill(blocked, -torch.inf)
        work = torch.promote_types(scores.dtype, torch.float32)
        weights = torch.softmax(scores, dim=-1, dtype=work).to(v.dtype)
        if context_mask is not None:
            weights = weights.masked_fill(blocked, 0.0)
        return self.out_proj(self.unfold(weights @ v))
