# family: masking, numerics
# mistake: a row with nothing to attend to is softmaxed over -inf only and becomes NaN.
import torch


def scaled_dot_product_attention(q, k, v, mask=None):
    s = q @ k.mT / k.size(-1) ** 0.5
    if mask is not None:
        s = torch.where(mask, s, torch.full_like(s, -torch.inf))
    w = torch.softmax(s, dim=-1)
    return w @ v, w
