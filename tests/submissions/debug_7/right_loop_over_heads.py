import torch
from torch import nn


def masked_attention(q, k, v, allowed):
    s = torch.bmm(q, k.transpose(1, 2)) / q.shape[-1] ** 0.5
    if allowed is not None:
        s = s.masked_fill(~allowed.unsqueeze(1), -torch.inf)
    top = s.max(dim=-1, keepdim=True).values.detach()
    e = torch.exp(s - torch.where(top == -torch.inf, torch.zeros_like(top), top))
    total = e.sum(-1, keepdim=True)
    return torch.bmm(e / torch.where(total == 0, torch.ones_like(total), total), v)


class CrossAttention(nn.Module):
    def __init__(self, embed_dim, num_heads, context_dim=None):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError("embed_dim % num_heads must be 0")
        self.num_heads = num_heads
        self.q_proj = nn.Linear(embed_dim, embed_dim)
        self.k_proj = nn.Linear(context_dim if context_dim is not None else embed_dim, embed_dim)
        self.v_proj = nn.Linear(context_dim if context_dim is not None else embed_dim, embed_dim)
        self.out_proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, context, context_mask=None):
        parts = [p.chunk(self.num_heads, dim=-1) for p in (self.q_proj(x), self.k_proj(context), self.v_proj(context))]
        heads = [masked_attention(q, k, v, context_mask) for q, k, v in zip(*parts)]
        return self.out_proj(torch.cat(heads, dim=-1))


bugs = {"mask-inverted", "keys-for-values"}
