import torch
import torch.nn.functional as F
from torch import nn


class TransformerBlock(nn.Module):
    def __init__(self, embed_dim, num_heads, ff_dim, norm_first=True):
        super().__init__()
        self.norm_first = norm_first
        self.norm1 = nn.LayerNorm(embed_dim)
        self.norm2 = nn.LayerNorm(embed_dim)
        self.attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True)
        self.ff1 = nn.Linear(embed_dim, ff_dim)
        self.ff2 = nn.Linear(ff_dim, embed_dim)

    def forward(self, x, mask=None):
        """The mask as a choice of keys: each query is given only the tokens that it may attend to."""
        order = ("norm", "sub", "add") if self.norm_first else ("sub", "add", "norm")
        for norm, sub in ((self.norm1, lambda t: self._rows(t, mask)), (self.norm2, self._feed)):
            kept, t = x, x
            for step in order:
                t = norm(t) if step == "norm" else sub(t) if step == "sub" else kept + t
            x = t
        return x

    def _rows(self, t, mask):
        if mask is None:
            return self.attention(t, t, t)[0]
        out = []
        for i, row in enumerate(mask):
            keys = t[:, row.nonzero().flatten()]
            out.append(self.attention(t[:, i : i + 1], keys, keys, need_weights=False)[0])
        return torch.cat(out, 1)

    def _feed(self, t):
        return self.ff2(F.gelu(self.ff1(t), approximate="none"))
