# family: interface
# mistake: The code is mended, but one bug alone is named.
import torch
from torch import Tensor, nn


class CrossAttention(nn.Module):
    def __init__(self, embed_dim: int, num_heads: int, context_dim: int | None = None) -> None:
        super().__init__()
        head_dim, rest = divmod(embed_dim, num_heads)
        if rest:
            raise ValueError("heads do not divide the width")
        source = context_dim or embed_dim
        self.shape = (num_heads, head_dim)
        self.q_proj, self.out_proj = nn.Linear(embed_dim, embed_dim), nn.Linear(embed_dim, embed_dim)
        self.k_proj, self.v_proj = nn.Linear(source, embed_dim), nn.Linear(source, embed_dim)

    def forward(self, x: Tensor, context: Tensor, context_mask: Tensor | None = None) -> Tensor:
        q = self.q_proj(x).unflatten(-1, self.shape) * self.shape[1] ** -0.5
        k = self.k_proj(context).unflatten(-1, self.shape)
        v = self.v_proj(context).unflatten(-1, self.shape)
        scores = torch.einsum("blhd,bshd->bhls", q, k)
        if context_mask is not None:
            bias = torch.zeros(context_mask.shape, dtype=scores.dtype, device=scores.device)
            bias.masked_fill_(~context_mask, torch.finfo(scores.dtype).min)
            scores = torch.where(context_mask[:, None, None], scores, bias[:, None, None])
        weights = scores.softmax(-1)
        if context_mask is not None:
            weights = weights * context_mask[:, None, None].to(weights.dtype)
        return self.out_proj(torch.einsum("bhls,bshd->blhd", weights, v).flatten(-2))


bugs = {"mask-inverted"}
