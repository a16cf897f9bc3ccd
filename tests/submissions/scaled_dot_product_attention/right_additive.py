import torch


def additive(mask, like):
    """0 where a query may look, the lowest finite number elsewhere."""
    lowest = torch.finfo(like.dtype).min
    return torch.zeros_like(like).masked_fill(~mask, lowest)


def scaled_dot_product_attention(q, k, v, mask=None):
    scores = torch.einsum("...id,...jd->...ij", q * q.size(-1) ** -0.5, k)
    if mask is None:
        weights = scores.softmax(-1)
    else:
        seen = torch.broadcast_to(mask, scores.shape)
        weights = (scores + additive(seen, scores)).softmax(-1) * seen.any(-1, keepdim=True)
    return torch.einsum("...ij,...je->...ie", weights, v), weights
