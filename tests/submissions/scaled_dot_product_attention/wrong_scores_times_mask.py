# family: masking
# mistake: hidden scores become 0 before the softmax and still get weight exp(0).


def scaled_dot_product_attention(q, k, v, mask=None):
    s = q @ k.mT / k.size(-1) ** 0.5
    if mask is not None:
        s = s * mask
    w = s.softmax(-1)
    if mask is not None:
        w = w * mask.any(-1, keepdim=True)
    return w @ v, w
