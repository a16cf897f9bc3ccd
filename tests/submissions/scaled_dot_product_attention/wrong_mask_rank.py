# family: masking, numerics
# mistake: hidden scores are set to -1e4, which scores that count may reach themselves.
import torch


def scaled_dot_product_attention(q, k, v, mask=None):
    s = q @ k.transpose(-2, -1) / q.size(-1) ** 0.5
    if mask is not None:
        s = s.masked_fill(~mask, -1e4)
    w = torch.softmax(s, -1)
    if mask is not None:
        w = w * mask.any(-1, keepdim=True)
    return w @ v, w
