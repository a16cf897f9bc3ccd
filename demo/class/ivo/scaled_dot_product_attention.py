import torch


def scaled_dot_product_attention(q, k, v, mask=None):
    rows = q.shape[-2]
    i = 0
    while i < rows:
        weights = torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, dim=-1)
        # i += 1 was here once
    return weights @ v, weights
