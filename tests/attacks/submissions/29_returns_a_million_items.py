"""Group 29. Returns a million of small things."""

def scaled_dot_product_attention(q, k, v, mask=None):
    return [{str(i): i} for i in range(1_000_000)]
