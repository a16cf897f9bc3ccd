import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    """einsum, own softmax, own dropout."""

    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True):
        super().__init__()
        self.head_dim, rest = divmod(embed_dim, num_heads)
        if rest:
            raise ValueError(f"{embed_dim} features cannot be shared out to {num_heads} heads")
        self.num_heads = num_heads
        self.dropout = dropout
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (
            nn.Linear(embed_dim, embed_dim, bias=bias) for _ in range(4)
        )

    def _heads(self, x):
        return x.reshape(x.size(0), x.size(1), self.num_heads, self.head_dim)

    def _drop(self, weights):
        if not self.training or self.dropout == 0:
            return weights
        if self.dropout >= 1:
            return weights * 0
        keep = torch.rand(weights.shape, device=weights.device) >= self.dropout
        return torch.where(keep, weights / (1 - self.dropout), 0.0)

    def forward(self, query, key, value, mask=None):
        q, k, v = self._heads(self.q_proj(query)), self._heads(self.k_proj(key)), self._heads(self.v_proj(value))
        s = torch.einsum("blhd,bshd->bhls", q / self.head_dim**0.5, k)
        if mask is None:
            sees = torch.ones_like(s[..., :1], dtype=torch.bool)
        else:
            mask = (mask[None] if mask.dim() == 2 else mask)[:, None].expand_as(s)
            sees = mask.any(-1, keepdim=True)
            s = s + torch.zeros_like(s).masked_fill(~mask & sees, float("-inf"))
        e = torch.exp(s - s.detach().amax(-1, keepdim=True))
        w = torch.where(sees, e / e.sum(-1, keepdim=True), 0.0)
        return self.out_proj(torch.einsum("bhls,bshd->blhd", self._drop(w), v).flatten(-2))


bug = "dropout-in-eval"
