# family: masking
# mistake: picks the top k before the mask, so masked keys use up places
import torch


def topk_attention(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError("top_k must be at least 1")
    scores = (q @ k.mT) * k.shape[-1] ** -0.5
    winners = scores.topk(min(top_k, k.shape[-2])).indices
    keep = torch.zeros(scores.shape, dtype=torch.bool, device=q.device)
    keep.scatter_(-1, winners, True)
    if mask is not None:
        keep = keep & mask
    weights = scores.masked_fill(~keep, -torch.inf).softmax(dim=-1)
    weights = weights.masked_fill(~keep, 0.0)
    return weights @ v, weights
