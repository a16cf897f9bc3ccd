# family: numerics
# mistake: max_distance is not added, so negative distances wrap around to the end of the table
import torch


def relative_index(L, S, max_distance):
    j, i = torch.arange(S), torch.arange(L)
    return (j[None] - i[:, None]).clamp(-max_distance, max_distance)


def relative_attention(q, k, v, rel_k, max_distance, mask=None):
    index = relative_index(q.shape[-2], k.shape[-2], max_distance).to(q.device)
    scores = (q @ k.mT + torch.einsum("...ld,lsd->...ls", q, rel_k[index])) / k.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)
    return weights @ v, weights
