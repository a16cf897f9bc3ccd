# family: normalization, numerics
# mistake: the relative term is added to the weights after the softmax
import torch


def relative_index(L, S, max_distance):
    d = torch.arange(S)[None, :] - torch.arange(L)[:, None]
    return d.clamp(-max_distance, max_distance) + max_distance


def relative_attention(q, k, v, rel_k, max_distance, mask=None):
    table = rel_k[relative_index(q.shape[-2], k.shape[-2], max_distance).to(q.device)]
    content = q @ k.mT / k.shape[-1] ** 0.5
    position = torch.einsum("...ld,lsd->...ls", q, table) / k.shape[-1] ** 0.5
    if mask is not None:
        content = content.masked_fill(~mask, -torch.inf)
    weights = content.softmax(-1) + position
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)
    return weights @ v, weights
