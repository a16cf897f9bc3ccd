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
        """Everything written out: norms, heads, softmax, GELU by the error function."""
        norm1 = norm2 = lambda t: t
        if self.norm_first:
            norm1, norm2 = self._norm(self.norm1), self._norm(self.norm2)
        a = norm1(x)
        heads, width = self.attention.num_heads, self.attention.head_dim
        qkv = F.linear(a, self.attention.in_proj_weight, self.attention.in_proj_bias)
        q, k, v = qkv.unflatten(-1, (3, heads, width)).permute(2, 0, 3, 1, 4)
        scores = torch.einsum("bhld,bhsd->bhls", q, k) / width**0.5
        if mask is not None:
            scores = torch.where(mask, scores, scores.new_tensor(float("-inf")))
        e = torch.exp(scores - scores.amax(-1, keepdim=True))
        weights = e / e.sum(-1, keepdim=True)
        context = torch.einsum("bhls,bhsd->blhd", weights, v).flatten(2)
        x = x + self.attention.out_proj(context)
        if not self.norm_first:
            x = self._norm(self.norm1)(x)
        h = self.ff1(norm2(x))
        x = x + self.ff2(h * (0.5 * (1 + torch.erf(h * 0.5**0.5))))
        return x if self.norm_first else self._norm(self.norm2)(x)

    @staticmethod
    def _norm(layer):
        def apply(t):
            wide = t.double() if t.dtype == torch.float64 else t.float()
            centred = wide - wide.mean(-1, keepdim=True)
            scaled = centred * (centred.square().mean(-1, keepdim=True) + layer.eps).rsqrt()
            return (scaled * layer.weight.to(wide.dtype) + layer.bias.to(wide.dtype)).to(t.dtype)

        return apply


bugs = {"residual-missing", "softmax-axis"}
