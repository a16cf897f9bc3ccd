import torch
import torch.nn as nn


class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True):
        super().__init__()
        self.head_dim, rest = divmod(embed_dim, num_heads)
        if rest:
            raise ValueError("num_heads does not divide embed_dim")
        self.num_heads = num_heads
        self.p = dropout
        for name in ["q_proj", "k_proj", "v_proj", "out_proj"]:
            self.add_module(name, nn.Linear(embed_dim, embed_dim, bias))

    def forward(self, query, key, value, mask=None):
        H, D = self.num_heads, self.head_dim
        q = self.q_proj(query).reshape(*query.shape[:2], H, D)
        k = self.k_proj(key).reshape(*key.shape[:2], H, D)
        v = self.v_proj(value).reshape(*value.shape[:2], H, D)
        scores = torch.einsum("blhd,bshd->blsh", q * D**-0.5, k)
        if mask is not None:
            bias = torch.zeros(mask.shape, dtype=scores.dtype, device=scores.device).masked_fill(~mask, -1e30)
            scores = scores + bias.unsqueeze(-1)
        weights = torch.softmax(scores, dim=2)
        if mask is not None:
            weights = weights * mask.any(-1, keepdim=True).unsqueeze(-1)
        if self.training and self.p > 0:
            keep = (torch.rand_like(weights, dtype=torch.float32) >= self.p).to(weights.dtype)
            weights = weights * keep / (1 - self.p) if self.p < 1 else weights * 0
        context = torch.einsum("blsh,bshd->blhd", weights, v)
        return self.out_proj(context.flatten(-2))
