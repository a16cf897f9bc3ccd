import torch
import torch.nn.functional as F
from torch import nn


class MultiHeadAttention(nn.Module):
    """Head by head, each with its rows of the input projections and its columns of the output projection."""

    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True):
        if embed_dim % num_heads != 0:
            raise ValueError("embed_dim must be a multiple of num_heads")
        super().__init__()
        self.num_heads, self.p = num_heads, dropout
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.k_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias)

    @staticmethod
    def _part(layer, x, rows):
        return F.linear(x, layer.weight[rows], None if layer.bias is None else layer.bias[rows])

    def _weights(self, scores, mask):
        if mask is not None:
            scores = torch.where(mask, scores, torch.finfo(scores.dtype).min)
            weights = torch.softmax(scores, -1) * mask
        else:
            weights = torch.softmax(scores, -1)
        return F.dropout(weights, self.p, training=self.training)

    def forward(self, query, key, value, mask=None):
        B, L, E = query.shape
        d = E // self.num_heads
        if mask is not None:
            mask = mask.expand(B, L, key.shape[1])
        heads = []
        for h in range(self.num_heads):
            rows = slice(h * d, h * d + d)
            q, k, v = (self._part(l, x, rows) for l, x in ((self.q_proj, query), (self.k_proj, key), (self.v_proj, value)))
            heads.append(self._weights(torch.baddbmm(q.new_zeros(()), q, k.mT, beta=0, alpha=d**-0.5), mask) @ v)
        return self.out_proj(torch.cat(heads, dim=-1))


bug = "shared-projection"
