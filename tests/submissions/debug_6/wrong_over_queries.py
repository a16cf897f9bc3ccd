# family: masking, normalization, numerics
# mistake: The top k are taken among the queries of a key.
import torch

bug = "zeros-not-minus-inf"


def topk_attention(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError(f"top_k must be at least 1, got {top_k}")
    scores = torch.einsum("...ld,...sd->...ls", q, k) * k.shape[-1] ** -0.5
    ranked = scores if mask is None else scores.masked_fill(~mask, -torch.inf)
    order = ranked.detach().argsort(dim=-2, descending=True, stable=True)
    keep = order.argsort(dim=-2) < top_k
    if mask is not None:
        keep = keep & mask
    top = scores.detach().masked_fill(~keep, -torch.inf).amax(-1, keepdim=True)
    top = top.masked_fill(~keep.any(-1, keepdim=True), 0)
    e = torch.exp((scores - top).masked_fill(~keep, 0)) * keep
    weights = e / e.sum(-1, keepdim=True).masked_fill(~keep.any(-1, keepdim=True), 1)
    return torch.einsum("...ls,...se->...le", weights, v), weights
