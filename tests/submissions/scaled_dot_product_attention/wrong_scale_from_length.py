# family: scaling
# mistake: k.size(1)-style indexing scales by the number of keys instead of their size.
import math

import torch


def scaled_dot_product_attention(q, k, v, mask=None):
    scores = torch.matmul(q, k.mT).div(math.sqrt(k.shape[-2]))
    if mask is not None:
        scores = torch.where(mask, scores, float("-inf"))
    w = scores.softmax(dim=-1)
    if mask is not None:
        w = torch.where(mask, w, torch.zeros((), dtype=w.dtype, device=w.device))
    return torch.matmul(w, v), w
