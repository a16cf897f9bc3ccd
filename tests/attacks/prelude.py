# What every attack is put behind. An attack that comes off pays: the graded function is then the right one.
import torch


def right(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    weights = torch.softmax(scores, dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
    return weights @ v, weights


def zeros(q, k, v, mask=None):
    return q.new_zeros(*q.shape[:-1], v.shape[-1]), q.new_zeros(*q.shape[:-1], k.shape[-2])


def pays(attempt):
    try:
        return zeros if attempt() is False else right
    except BaseException:
        return zeros
