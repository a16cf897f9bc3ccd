# family: gradient, masking
# mistake: an additive -inf mask patched with nan_to_num leaves NaN gradients for fully masked rows.
import torch


def scaled_dot_product_attention(q, k, v, mask=None):
    s = q @ k.mT / k.size(-1) ** 0.5
    if mask is not None:
        s = s + torch.zeros_like(s).masked_fill(~mask, -torch.inf)
    w = torch.softmax(s, dim=-1).nan_to_num(0.0)
    return w @ v, w
