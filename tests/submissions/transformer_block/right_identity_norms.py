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

        self.activation = nn.GELU()

    def forward(self, x, mask=None):
        skip = nn.Identity()
        pre1, pre2, post1, post2 = (
            (self.norm1, self.norm2, skip, skip) if self.norm_first else (skip, skip, self.norm1, self.norm2)
        )
        h = pre1(x)
        attn_mask = None if mask is None else torch.bitwise_not(mask)
        x = post1(torch.add(x, self.attention(query=h, key=h, value=h, attn_mask=attn_mask)[0]))
        return post2(torch.add(x, self.ff2(self.activation(self.ff1(pre2(x))))))
