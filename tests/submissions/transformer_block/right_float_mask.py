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
        """The library's layer with a float mask; functional norms; the two orders as two expressions."""
        n1 = lambda t: F.layer_norm(t, self.norm1.normalized_shape, self.norm1.weight, self.norm1.bias, self.norm1.eps)
        n2 = lambda t: F.layer_norm(t, self.norm2.normalized_shape, self.norm2.weight, self.norm2.bias, self.norm2.eps)
        bias = None
        if mask is not None:
            bias = torch.zeros(mask.shape, dtype=x.dtype, device=x.device).masked_fill(mask.logical_not(), -torch.inf)

        def attn(t):
            return self.attention(t, t, t, attn_mask=bias, need_weights=False)[0]

        ff = lambda t: self.ff2(nn.functional.gelu(self.ff1(t)))
        if self.norm_first:
            half = torch.add(x, attn(n1(x)))
            return torch.add(half, ff(n2(half)))
        half = n1(torch.add(x, attn(x)))
        return n2(torch.add(half, ff(half)))
