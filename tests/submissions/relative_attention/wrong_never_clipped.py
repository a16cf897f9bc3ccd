# family: numerics, interface
# mistake: distances are not clipped, so far ones leave the table
import torch


def relative_index(L, S, max_distance):
    return torch.arange(S).unsqueeze(0) - torch.arange(L).unsqueeze(1) + max_distance


def relative_attention(q, k, v, rel_k, max_distance, mask=None):
    index = relative_index(q.shape[-2], k.shape[-2], max_distance).to(q.device)
    scores = (q @ k.mT + (rel_k[index] @ q.unsqueeze(-1)).squeeze(-1)) * q.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)
    return weights @ v, weights
