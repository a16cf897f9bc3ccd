# family: scaling
# mistake: the scores are not scaled.
import torch
from torch import nn


class SelfAttention(nn.Module):
    def __init__(self, embed_dim, bias=True):
        super().__init__()
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.k_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)

    def forward(self, x, mask=None):
        s = torch.bmm(self.q_proj(x), self.k_proj(x).permute(0, 2, 1))
        if mask is not None:
            s = s.masked_fill(~mask, -torch.inf)
        w = s.softmax(-1)
        if mask is not None:
            w = w.masked_fill(~mask, 0)
        return torch.bmm(w, self.v_proj(x))
