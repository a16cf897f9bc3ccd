# family: normalization
# mistake: A dense softmax, its small weights dropped and the rest not renormalised.
import torch

bug = "zeros-not-minus-inf"


def topk_attention(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError(f"top_k must be at least 1, got {top_k}")
    scores = torch.einsum("...ld,...sd->...ls", q, k) * k.shape[-1] ** -0.5
    ranked = scores if mask is None else scores.masked_fill(~mask, -torch.inf)
    order = ranked.detach().argsort(dim=-1, descending=True, stable=True)
    keep = order.argsort(dim=-1) < top_k
    if mask is not None:
        keep = keep & mask
    floor = ranked.masked_fill(ranked.isinf(), torch.finfo(scores.dtype).min)
    weights = floor.softmax(-1) * keep
    return torch.einsum("...ls,...se->...le", weights, v), weights
