# family: numerics, normalization
# mistake: subtracts the maximum of the whole tensor, so rows far below it underflow to zero weights.
import torch


def scaled_dot_product_attention(q, k, v, mask=None):
    s = q @ k.transpose(-2, -1) / q.size(-1) ** 0.5
    if mask is not None:
        s = s.masked_fill(~mask, float("-inf"))
    top = s.max().detach()
    if top == float("-inf"):
        top = torch.zeros_like(top)
    e = torch.exp(s - top)
    total = e.sum(-1, keepdim=True)
    w = e / torch.where(total == 0, torch.ones_like(total), total)
    return w @ v, w
