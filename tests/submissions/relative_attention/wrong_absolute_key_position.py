# family: numerics
# mistake: the table is read by the key's absolute position instead of its distance
import torch


def relative_index(L, S, max_distance):
    d = torch.arange(S)[None, :] - torch.arange(L)[:, None]
    return d.clamp(-max_distance, max_distance) + max_distance


def relative_attention(q, k, v, rel_k, max_distance, mask=None):
    where = torch.arange(k.shape[-2], device=q.device).clamp(max=2 * max_distance)
    scores = (q @ k.mT + q @ rel_k[where].mT) / k.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)
    return weights @ v, weights
