import torch


def relative_index(L, S, max_distance):
    rows = [[min(max(j - i, -max_distance), max_distance) + max_distance for j in range(S)] for i in range(L)]
    return torch.tensor(rows, dtype=torch.int64).reshape(L, S)


def _softmax(scores, allowed):
    if allowed is not None:
        scores = torch.where(allowed, scores, scores.new_tensor(float("-inf")))
    top = scores.detach().amax(dim=-1, keepdim=True)
    top = torch.where(torch.isinf(top), torch.zeros_like(top), top)
    e = (scores - top).exp()
    total = e.sum(dim=-1, keepdim=True)
    return e / torch.where(total == 0, torch.ones_like(total), total)


def relative_attention(q, k, v, rel_k, max_distance, mask=None):
    L, S = q.shape[-2], k.shape[-2]
    by_distance = torch.einsum("...ld,rd->...lr", q, rel_k)
    index = relative_index(L, S, max_distance).to(q.device)
    shape = q.shape[:-2] + (L, S)
    position = torch.gather(by_distance, -1, index.expand(shape))
    scores = (torch.einsum("...ld,...sd->...ls", q, k) + position) * q.shape[-1] ** -0.5
    allowed = None if mask is None else mask.broadcast_to(shape)
    weights = _softmax(scores, allowed)
    return torch.einsum("...ls,...sv->...lv", weights, v), weights
