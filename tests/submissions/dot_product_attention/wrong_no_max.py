# family: numerics
# mistake: exp without subtracting the maximum overflows for large scores.


def dot_product_attention(q, k, v):
    e = (q @ k.mT).exp()
    w = e / e.sum(dim=-1, keepdim=True)
    return w @ v, w
