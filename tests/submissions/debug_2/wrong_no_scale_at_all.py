# family: scaling
# mistake: The wrong scale is removed rather than mended.
import torch
from torch import nn

bug = "wrong-scale"


class SelfAttention(nn.Module):
    def __init__(self, embed_dim, bias=True):
        super().__init__()
        for name in ("q_proj", "k_proj", "v_proj"):
            setattr(self, name, nn.Linear(embed_dim, embed_dim, bias=bias))
        self.scale = embed_dim ** -0.5

    def forward(self, x, mask=None):
        q, k, v = (p(x) for p in (self.q_proj, self.k_proj, self.v_proj))
        s = torch.einsum("bid,bjd->bij", q, k)
        if mask is None:
            mask = torch.ones(s.shape[-2:], dtype=torch.bool, device=s.device)
        s = torch.where(mask, s, torch.finfo(s.dtype).min)
        return torch.einsum("bij,bjd->bid", torch.where(mask, torch.softmax(s, -1), 0), v)
