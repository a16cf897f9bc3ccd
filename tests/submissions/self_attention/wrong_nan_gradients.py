# family: gradient, masking
# mistake: an additive -inf mask patched after the softmax leaves NaN gradients for fully masked rows.
import torch
from torch import nn


class SelfAttention(nn.Module):
    def __init__(self, embed_dim, bias=True):
        super().__init__()
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.k_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)

    def forward(self, x, mask=None):
        s = self.q_proj(x) @ self.k_proj(x).mT / x.shape[-1] ** 0.5
        if mask is not None:
            s = s + torch.where(mask, 0.0, -torch.inf).to(s.dtype)
        return s.softmax(-1).nan_to_num(0.0) @ self.v_proj(x)
