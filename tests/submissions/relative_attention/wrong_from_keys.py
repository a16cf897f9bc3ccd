# family: numerics
# mistake: the relative term is k dotted with the table instead of q
import torch


def relative_index(L, S, max_distance):
    d = torch.arange(S)[None, :] - torch.arange(L)[:, None]
    return d.clamp(-max_distance, max_distance) + max_distance


def relative_attention(q, k, v, rel_k, max_distance, mask=None):
    table = rel_k[relative_index(q.shape[-2], k.shape[-2], max_distance).to(q.device)]
    scores = q @ k.mT + torch.einsum("...sd,lsd->...ls", k, table)
    scores = scores * k.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)
    return weights @ v, weights
