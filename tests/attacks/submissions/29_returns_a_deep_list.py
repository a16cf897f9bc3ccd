"""Group 29. Returns lists in lists in lists."""

deep = []
for _ in range(100_000):
    deep = [deep]


def scaled_dot_product_attention(q, k, v, mask=None):
    return deep, deep
