# family: scaling
# mistake: the scale uses the size of the value vectors instead of the keys'.
import torch


def scaled_dot_product_attention(q, k, v, mask=None):
    *_, d = v.shape
    scores = (q * d ** -0.5) @ k.mT
    if mask is None:
        mask = torch.ones_like(scores, dtype=torch.bool)
    w = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(-1) * mask
    return w @ v, w
