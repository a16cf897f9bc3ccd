import torch


def masked_softmax(scores, mask, dim=-1):
    work = scores if scores.dtype == torch.float64 else scores.float()
    alive = mask.expand_as(work).any(dim=dim, keepdim=True)
    safe = torch.where(mask | ~alive, work, torch.tensor(-torch.inf, dtype=work.dtype, device=work.device))
    logp = safe - safe.logsumexp(dim=dim, keepdim=True)
    return torch.where(mask & alive, logp.exp(), torch.zeros_like(logp)).to(scores.dtype)
