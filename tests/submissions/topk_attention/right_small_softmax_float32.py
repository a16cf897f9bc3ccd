import torch
import torch.nn.functional as F


def topk_attention(q, k, v, top_k, mask=None):
    if top_k < 1:
        raise ValueError("top_k")
    scores = q @ k.mT / (k.shape[-1] ** 0.5)
    if mask is not None:
        scores = scores.masked_fill(mask.logical_not(), -torch.inf)
    work = scores.float() if scores.dtype in (torch.bfloat16, torch.float16) else scores
    values, index = work.topk(min(top_k, work.shape[-1]), dim=-1)
    dead = values == -torch.inf
    probs = F.softmax(values, dim=-1).masked_fill(dead, 0).to(q.dtype)
    weights = torch.zeros_like(scores).scatter(-1, index, probs)
    return weights @ v, weights
