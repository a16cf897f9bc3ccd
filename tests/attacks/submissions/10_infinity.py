"""Group 10. Infinity everywhere."""

def scaled_dot_product_attention(q, k, v, mask=None):
    return tuple(torch.full_like(part, float('inf')) for part in zeros(q, k, v, mask))
