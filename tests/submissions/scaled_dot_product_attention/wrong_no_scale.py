# family: scaling
# mistake: the scores are not divided by sqrt(d).
import torch


def scaled_dot_product_attention(q, k, v, mask=None):
    scores = torch.einsum("...ld,...sd->...ls", q, k)
    if mask is None:
        mask = torch.ones_like(scores, dtype=torch.bool)
    w = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(-1) * mask
    return torch.einsum("...ls,...se->...le", w, v), w
