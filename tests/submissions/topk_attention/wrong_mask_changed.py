# family: state
# mistake: the selection is and-ed into the caller's mask in place (only when the mask has the full shape)
import torch


def topk_attention(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError("top_k must be at least 1")
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    best = scores.topk(min(top_k, k.shape[-2]), dim=-1).indices
    chosen = torch.zeros_like(scores, dtype=torch.bool).scatter(-1, best, True)
    if mask is None:
        kept = chosen
    else:
        kept = mask.expand_as(scores).contiguous()
        kept &= chosen
    weights = torch.softmax(scores.masked_fill(~kept, float("-inf")), dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
    return weights @ v, weights
