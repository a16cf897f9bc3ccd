# family: masking
# mistake: The library is called with the mask as it is.
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
        hide = None if mask is None else mask
        h = self.norm1(x) if self.norm_first else x
        x = x + self.attention(h, h, h, attn_mask=hide)[0]
        x = x if self.norm_first else self.norm1(x)
        h = self.norm2(x) if self.norm_first else x
        x = x + self.ff2(F.gelu(self.ff1(h)))
        return x if self.norm_first else self.norm2(x)


bugs = {"residual-missing", "softmax-axis"}
