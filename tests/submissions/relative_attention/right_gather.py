import torch
from torch import Tensor


def relative_index(L: int, S: int, max_distance: int) -> Tensor:
    distance = torch.arange(S)[None, :] - torch.arange(L)[:, None] + max_distance
    return torch.clamp(distance, 0, 2 * max_distance)


def _softmax(scores: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        mask = torch.ones_like(scores, dtype=torch.bool)
    mask = mask.expand_as(scores)
    low = torch.where(mask, scores, torch.finfo(scores.dtype).min).amax(-1, keepdim=True).detach()
    e = torch.exp(torch.where(mask, scores - low, 0.0)) * mask.to(scores.dtype)
    total = e.sum(-1, keepdim=True)
    return e / torch.where(total == 0, torch.ones_like(total), total)


def relative_attention(
    q: Tensor, k: Tensor, v: Tensor, rel_k: Tensor, max_distance: int, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    content = q @ k.transpose(-2, -1)
    index = relative_index(content.shape[-2], content.shape[-1], max_distance).to(q.device)
    position = (q @ rel_k.t()).gather(-1, index.expand(content.shape))
    weights = _softmax((content + position) * q.shape[-1] ** -0.5, mask)
    return weights @ v, weights
