"""Group 29. Returns a list that contains itself, and a sparse and a quantised tensor."""

loop = []
loop.append(loop)


def scaled_dot_product_attention(q, k, v, mask=None):
    return loop, torch.eye(3).to_sparse()
