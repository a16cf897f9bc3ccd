import torch
from torch import nn


def look(query, keys, values, seen):
    """One token (E) looks at those of (L, E) that it may see."""
    weights = (keys[seen] @ query / len(query) ** 0.5).softmax(0)
    return weights @ values[seen]


class SelfAttention(nn.Module):
    def __init__(self, embed_dim, bias=True):
        super().__init__()
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias)
        self.k_proj = nn.Linear(embed_dim, embed_dim, bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias)

    def forward(self, x, mask=None):
        B, L, _ = x.shape
        if mask is None:
            mask = torch.ones(1, 1, 1, dtype=torch.bool, device=x.device)
        mask = mask.expand(B, L, L)
        q, k, v = (proj(x) for proj in (self.q_proj, self.k_proj, self.v_proj))
        return torch.stack([torch.stack([look(q[b, i], k[b], v[b], mask[b, i]) for i in range(L)]) for b in range(B)])
