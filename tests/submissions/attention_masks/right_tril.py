from functools import reduce
from typing import Optional

import torch
from torch import Tensor


def padding_mask(lengths: Tensor, max_len: Optional[int] = None) -> Tensor:
    if max_len is None:
        max_len = lengths.max().item()
    positions = torch.arange(max_len, device=lengths.device).expand(lengths.shape[0], max_len)
    return positions.lt(lengths.unsqueeze(1)).unsqueeze(1)


def causal_mask(L: int, S: Optional[int] = None, device=None) -> Tensor:
    S = S if S is not None else L
    return torch.ones((L, S), dtype=torch.bool, device=device).tril(diagonal=S - L)


def combine_masks(*masks: Optional[Tensor]) -> Optional[Tensor]:
    given = [m for m in masks if m is not None]
    return reduce(torch.logical_and, given) if given else None
