import math

import torch
import torch.nn.functional as F


def relative_index(L, S, max_distance):
    grid = torch.arange(S).view(1, S).sub(torch.arange(L).view(L, 1))
    return grid.clip(min=-max_distance, max=max_distance).add(max_distance).long()


def relative_attention(q, k, v, rel_k, max_distance, mask=None):
    work = torch.promote_types(q.dtype, torch.float32)
    Q, K, R = q.to(work), k.to(work), rel_k.to(work)
    index = relative_index(Q.shape[-2], K.shape[-2], max_distance).to(q.device)
    hot = F.one_hot(index, 2 * max_distance + 1).to(work)
    logits = Q @ K.mT + torch.einsum("...lr,lsr->...ls", Q @ R.mT, hot)
    logits = logits * (1 / math.sqrt(Q.shape[-1]))
    if mask is not None:
        logits = logits.masked_fill(~mask, -math.inf)
    weights = torch.softmax(logits, -1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0.0)
    weights = weights.to(q.dtype)
    return weights @ v, weights
