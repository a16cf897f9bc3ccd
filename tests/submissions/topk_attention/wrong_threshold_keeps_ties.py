# family: masking, numerics
# mistake: keeps everything >= the k-th score, so ties leave more than top_k non-zero weights
import torch


def topk_attention(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError("top_k must be at least 1")
    scores = (q @ k.transpose(-2, -1)) / k.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    kth = scores.topk(min(top_k, scores.shape[-1]), dim=-1).values[..., -1:]
    keep = (scores >= kth) & scores.isfinite()
    weights = scores.masked_fill(~keep, -torch.inf).softmax(-1).masked_fill(~keep, 0)
    return weights @ v, weights
