# family: masking
# mistake: True is read as "hide this key".
import torch


def scaled_dot_product_attention(q, k, v, mask=None):
    scores = q @ k.mT / k.size(-1) ** 0.5
    if mask is None:
        w = scores.softmax(-1)
    else:
        w = torch.softmax(scores.masked_fill(mask, -torch.inf), -1).masked_fill(mask, 0.0)
    return w @ v, w
