# family: scaling
# mistake: only the content term is divided by sqrt(d), the relative term is added at full size
import math

import torch


def relative_index(L, S, max_distance):
    d = torch.arange(S)[None, :] - torch.arange(L)[:, None]
    return d.clamp(-max_distance, max_distance) + max_distance


def relative_attention(q, k, v, rel_k, max_distance, mask=None):
    table = rel_k[relative_index(q.shape[-2], k.shape[-2], max_distance).to(q.device)]
    content = torch.matmul(q / math.sqrt(q.shape[-1]), k.transpose(-1, -2))
    scores = content + torch.einsum("...ld,lsd->...ls", q, table)
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)
    return weights @ v, weights
