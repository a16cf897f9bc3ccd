# family: masking
# mistake: the boolean mask is added to the scores as a number (+1 for visible keys).


def scaled_dot_product_attention(q, k, v, mask=None):
    s = q @ k.mT / k.size(-1) ** 0.5
    if mask is not None:
        s = s + mask
    w = s.softmax(-1)
    if mask is not None:
        w = w * mask.any(-1, keepdim=True)
    return w @ v, w
