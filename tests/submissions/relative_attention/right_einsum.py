import math

import torch


def relative_index(L, S, max_distance):
    i = torch.arange(L).unsqueeze(1)
    j = torch.arange(S).unsqueeze(0)
    return (j - i).clamp(-max_distance, max_distance) + max_distance


def relative_attention(q, k, v, rel_k, max_distance, mask=None):
    rel = rel_k[relative_index(q.size(-2), k.size(-2), max_distance).to(q.device)]
    scores = torch.einsum("...ld,...sd->...ls", q, k) + torch.einsum("...ld,lsd->...ls", q, rel)
    scores = scores / math.sqrt(k.size(-1))
    if mask is None:
        weights = scores.softmax(dim=-1)
    else:
        weights = scores.masked_fill(~mask, float("-inf")).softmax(dim=-1).masked_fill(~mask, 0.0)
    return torch.einsum("...ls,...sv->...lv", weights, v), weights
