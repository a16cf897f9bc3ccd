import torch
import torch.nn.functional as F
from torch import Tensor, nn


class MultiHeadAttention(nn.Module):
    """Not the activations are cut into heads but the matrices, once and for all."""

    def __init__(self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True):
        super().__init__()
        self.d, rest = divmod(embed_dim, num_heads)
        if rest:
            raise ValueError(f"{embed_dim} / {num_heads}")
        self.H, self.drop = num_heads, dropout
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.k_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias)

    def into_heads(self, layer: nn.Linear, t: Tensor) -> Tensor:
        heads = torch.einsum("bte,hde->bhtd", t, layer.weight.view(self.H, self.d, -1))
        return heads if layer.bias is None else heads + layer.bias.view(self.H, 1, self.d)

    def forward(self, query, key, value, mask=None):
        q, k, v = self.into_heads(self.q_proj, query), self.into_heads(self.k_proj, key), self.into_heads(self.v_proj, value)
        scores = torch.einsum("bhld,bhsd->bhls", q, k) / self.d ** 0.5
        if mask is not None:
            mask = torch.atleast_3d(mask).permute(2, 0, 1) if mask.dim() == 2 else mask
            scores = torch.where(mask[:, None], scores, -torch.inf)
        weights = torch.softmax(scores, dim=-1)
        if mask is not None:
            weights = torch.where(mask[:, None], weights, torch.zeros_like(weights))
        weights = F.dropout(weights, self.drop, self.training)
        out = torch.einsum("bhls,bhsd,ehd->ble", weights, v, self.out_proj.weight.view(-1, self.H, self.d))
        return out if self.out_proj.bias is None else out + self.out_proj.bias
