import math
import torch
import torch.nn.functional as F
from torch import nn


class SelfAttention(nn.Module):
    """The three layers as one product, then one sequence after the other."""

    def __init__(self, embed_dim, bias=True):
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(embed_dim, embed_dim, bias) for _ in range(3))

    def forward(self, x, mask=None):
        layers = (self.q_proj, self.k_proj, self.v_proj)
        weight = torch.cat([l.weight for l in layers])
        bias = None if self.q_proj.bias is None else torch.cat([l.bias for l in layers])
        q, k, v = F.linear(x, weight, bias).chunk(3, dim=-1)
        if mask is not None:
            mask = torch.broadcast_to(mask, (x.shape[0], x.shape[1], x.shape[1]))
        out = []
        for b in range(x.shape[0]):
            s = torch.mm(q[b], k[b].t()).div(math.sqrt(x.shape[-1]))
            if mask is None:
                out.append(torch.mm(F.softmax(s, dim=1), v[b]))
                continue
            sees = mask[b].any(dim=1)
            bias_b = torch.zeros_like(s).masked_fill(~mask[b] & sees[:, None], -math.inf)
            w = F.softmax(s + bias_b, dim=1)
            out.append(torch.where(sees[:, None], torch.mm(w, v[b]), torch.zeros_like(v[b])))
        return torch.stack(out)


bug = "wrong-scale"
