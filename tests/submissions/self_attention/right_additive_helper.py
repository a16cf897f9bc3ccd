import torch
import torch.nn as nn
import torch.nn.functional as F


def attention(q, k, v, mask):
    logits = torch.baddbmm(q.new_zeros(1, 1, 1), q, k.transpose(1, 2), beta=0, alpha=q.size(-1) ** -0.5)
    if mask is None:
        return F.softmax(logits, dim=-1).bmm(v)
    bias = torch.where(mask, 0.0, -1e30).to(logits.dtype)
    alive = mask.any(dim=-1, keepdim=True).to(logits.dtype)
    return (F.softmax(logits + bias, dim=-1) * alive).bmm(v)


class SelfAttention(nn.Module):
    def __init__(self, embed_dim, bias=True):
        super(SelfAttention, self).__init__()
        self.embed_dim = embed_dim
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(embed_dim, embed_dim, bias=bias) for _ in range(3))

    def forward(self, x, mask=None):
        return attention(self.q_proj(x), self.k_proj(x), self.v_proj(x), mask)
