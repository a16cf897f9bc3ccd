"""Group 29. Returns a gigabyte that takes no memory to make."""

def scaled_dot_product_attention(q, k, v, mask=None):
    return torch.zeros(1).expand(2**28), torch.zeros(1).expand(2**28)
