# family: numerics, masking
# mistake: dropped scores are set to -10000 instead of -inf, which is not small against scores that reach -10,000
import torch


def topk_attention(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError("top_k must be at least 1")
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    best = scores.topk(min(top_k, k.shape[-2]), dim=-1).indices
    kept = torch.zeros_like(scores, dtype=torch.bool).scatter(-1, best, True)
    weights = torch.softmax(scores.masked_fill(~kept, -1e4), dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
    return weights @ v, weights


bug = "zeros-not-minus-inf"
