# family: masking
# mistake: masks are joined with logical or.
from functools import reduce

import torch


def padding_mask(lengths, max_len=None):
    S = max_len or int(lengths.max())
    return (torch.arange(S, device=lengths.device)[None, :] < lengths[:, None]).unsqueeze(1)


def causal_mask(L, S=None, device=None):
    S = L if S is None else S
    return torch.ones(L, S, dtype=torch.bool, device=device).tril(S - L)


def combine_masks(*masks):
    given = [m for m in masks if m is not None]
    return reduce(torch.logical_or, given) if given else None
