# family: numerics
# mistake: one maximum for the whole tensor
import torch


def relative_index(L, S, max_distance):
    i = torch.arange(L).unsqueeze(1)
    j = torch.arange(S).unsqueeze(0)
    return (j - i).clamp(-max_distance, max_distance) + max_distance


def relative_attention(q, k, v, rel_k, max_distance, mask=None):
    index = relative_index(q.shape[-2], k.shape[-2], max_distance).to(q.device)
    rel = rel_k[index]
    scores = (q @ k.transpose(-2, -1) + torch.einsum("...ld,lsd->...ls", q, rel)) / q.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    e = torch.exp(scores - scores.amax())
    weights = e / e.sum(dim=-1, keepdim=True)
    if mask is not None:
        weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
    return weights @ v, weights
