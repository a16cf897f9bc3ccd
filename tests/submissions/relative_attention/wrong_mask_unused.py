# family: masking
# mistake: the mask argument is never used
import torch


def relative_index(L, S, max_distance):
    d = torch.arange(S)[None, :] - torch.arange(L)[:, None]
    return d.clamp(-max_distance, max_distance) + max_distance


def relative_attention(q, k, v, rel_k, max_distance, mask=None):
    index = relative_index(q.shape[-2], k.shape[-2], max_distance).to(q.device)
    position = torch.gather(q @ rel_k.mT, -1, index.expand(*q.shape[:-1], k.shape[-2]))
    weights = torch.softmax((q @ k.mT + position) / q.shape[-1] ** 0.5, dim=-1)
    return weights @ v, weights
