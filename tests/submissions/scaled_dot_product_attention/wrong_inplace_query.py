# family: state
# mistake: q is divided in place, so the caller's tensor changes.
import torch


def scaled_dot_product_attention(q, k, v, mask=None):
    with torch.no_grad():
        q /= k.size(-1) ** 0.5
    s = q @ k.mT
    if mask is not None:
        s = s.masked_fill(~mask, -torch.inf)
    w = torch.softmax(s, dim=-1)
    if mask is not None:
        w = w.masked_fill(~mask, 0.0)
    return w @ v, w
