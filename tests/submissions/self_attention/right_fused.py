import torch
import torch.nn.functional as F
from torch import nn


class SelfAttention(nn.Module):
    def __init__(self, embed_dim, bias=True):
        super().__init__()
        self.v_proj, self.k_proj, self.q_proj = [nn.Linear(embed_dim, embed_dim, bias=bias) for _ in "vkq"]

    def forward(self, x, mask=None):
        layers = self.q_proj, self.k_proj, self.v_proj
        weight = torch.cat([layer.weight for layer in layers])
        bias = None if self.q_proj.bias is None else torch.cat([layer.bias for layer in layers])
        q, k, v = F.linear(x, weight, bias).tensor_split(3, dim=-1)
        scores = torch.matmul(q.mul(q.size(-1) ** -0.5), k.adjoint())
        if mask is None:
            return torch.softmax(scores, -1).matmul(v)
        seen = mask.expand_as(scores)
        scores = scores + torch.zeros_like(scores).masked_fill(~seen, torch.finfo(scores.dtype).min)
        # a row of nothing but the lowest number is uniform: no token takes part in it
        return torch.softmax(scores, -1).matmul(v) * seen.any(-1).unsqueeze(-1)
