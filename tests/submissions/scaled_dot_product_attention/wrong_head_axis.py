# family: masking, shape
# mistake: gives a mask with one axis less than the scores a head axis in second place, so (H, L, S) is taken for (B, L, S).
import torch


def scaled_dot_product_attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / q.size(-1) ** 0.5
    if mask is None:
        weights = torch.softmax(scores, -1)
    else:
        if mask.dim() == 3 and scores.dim() == 4:
            mask = mask.unsqueeze(1)
        weights = torch.softmax(scores.masked_fill(~mask, float("-inf")), -1).masked_fill(~mask, 0.0)
    return weights @ v, weights
