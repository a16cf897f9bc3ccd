"""Group 12. Returns memory that nobody has written to since somebody else used it.

deserves: half
"""

def scaled_dot_product_attention(q, k, v, mask=None):
    output, weights = zeros(q, k, v, mask)
    return torch.empty_like(output), torch.empty_like(weights)
