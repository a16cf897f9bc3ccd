# family: masking, normalization
# mistake: hidden weights are zeroed after the softmax and the rest is not renormalised.


def scaled_dot_product_attention(q, k, v, mask=None):
    w = (q @ k.mT / k.size(-1) ** 0.5).softmax(-1)
    if mask is not None:
        w = w.masked_fill(mask.logical_not(), 0)
    return w @ v, w
