import torch


def masked_softmax(scores: torch.Tensor, mask: torch.Tensor, dim: int = -1) -> torch.Tensor:
    mask = mask.expand_as(scores)
    lowest = torch.full_like(scores, -float("inf"))
    top = torch.where(mask, scores, lowest).amax(dim=dim, keepdim=True).detach()
    top = torch.where(torch.isfinite(top), top, torch.zeros_like(top))
    shifted = torch.where(mask, scores - top, torch.zeros_like(scores))
    e = shifted.exp() * mask
    total = e.sum(dim=dim, keepdim=True)
    return e / (total + (total == 0))
