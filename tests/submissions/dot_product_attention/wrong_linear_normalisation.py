# family: normalization
# mistake: scores are divided by their sum, without exponentials.


def dot_product_attention(q, k, v):
    s = q @ k.mT
    w = s / s.sum(dim=-1, keepdim=True)
    return w @ v, w
