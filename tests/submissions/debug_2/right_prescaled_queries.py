import torch
from torch import nn


class SelfAttention(nn.Module):
    def __init__(self, embed_dim, bias=True):
        super().__init__()
        for name in ("q_proj", "k_proj", "v_proj"):
            self.add_module(name, nn.Linear(embed_dim, embed_dim, bias=bias))

    def _softmax(self, s, mask):
        if mask is None:
            return s.softmax(-1)
        mask = mask.broadcast_to(s.shape)
        s = torch.where(mask, s, torch.finfo(s.dtype).min)
        e = (s - s.detach().amax(-1, keepdim=True)).exp() * mask
        total = e.sum(-1, keepdim=True)
        return e / torch.where(total > 0, total, 1)

    def forward(self, x, mask=None):
        q = self.q_proj(x) * x.size(-1) ** -0.5
        s = torch.einsum("bld,bsd->bls", q, self.k_proj(x))
        return torch.einsum("bls,bse->ble", self._softmax(s, mask), self.v_proj(x))


bug = "wrong-scale"
