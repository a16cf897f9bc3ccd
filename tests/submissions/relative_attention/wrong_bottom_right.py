# family: numerics
# mistake: query positions are shifted by S - L, as for a cache, though both sides start at 0
import torch


def relative_index(L, S, max_distance):
    i = torch.arange(S - L, S)
    return (torch.arange(S) - i[:, None]).clamp(-max_distance, max_distance) + max_distance


def relative_attention(q, k, v, rel_k, max_distance, mask=None):
    table = rel_k[relative_index(q.shape[-2], k.shape[-2], max_distance).to(q.device)]
    scores = (q @ k.mT + torch.einsum("...ld,lsd->...ls", q, table)) / k.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)
    return weights @ v, weights
