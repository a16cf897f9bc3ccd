import torch


def masked_softmax(scores, mask, dim=-1):
    visible = torch.broadcast_to(mask, scores.shape).movedim(dim, -1)
    s = torch.where(visible, scores.movedim(dim, -1).double(), -torch.inf)
    top = s.detach().amax(-1, keepdim=True)
    top = torch.where(torch.isinf(top), torch.zeros_like(top), top)
    powers = torch.exp(s - top)
    total = powers.sum(-1, keepdim=True)
    weights = powers / torch.where(total == 0, torch.ones_like(total), total)
    return weights.movedim(-1, dim).to(scores.dtype)
