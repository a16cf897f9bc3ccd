import torch


def topk_attention(q, k, v, top_k, mask=None):
    """Dense softmax, all but the first top_k ranks dropped, divided by what is left."""
    if top_k < 1:
        raise ValueError("top_k < 1")
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
    allowed = torch.ones(1, dtype=torch.bool, device=q.device) if mask is None else mask
    nothing = ~(allowed.any(-1, keepdim=True))
    scores = scores.masked_fill(~allowed & ~nothing, -torch.inf)
    order = scores.detach().sort(dim=-1, descending=True, stable=True).indices
    rank = order.argsort(dim=-1)
    kept = (rank < top_k) & allowed
    dense = torch.softmax(scores, dim=-1) * kept
    total = dense.sum(dim=-1, keepdim=True)
    weights = dense / torch.where(total > 0, total, torch.ones_like(total))
    return weights @ v, weights
