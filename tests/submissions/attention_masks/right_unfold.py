from functools import reduce
from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence


def padding_mask(lengths: Tensor, max_len: Optional[int] = None) -> Tensor:
    rows = [lengths.new_ones(int(n), dtype=torch.bool) for n in lengths]
    mask = pad_sequence(rows, batch_first=True, padding_value=False)
    if max_len is not None:
        mask = F.pad(mask, (0, max_len - mask.shape[1]), value=False)
    return mask.unsqueeze(-2)


def causal_mask(L: int, S: Optional[int] = None, device=None) -> Tensor:
    """Every row is the same band, one step further: windows of one vector."""
    S = S if S is not None else L
    band = torch.arange(L + S - 1, device=device) < S
    return band.unfold(0, S, 1).flip(0)


def combine_masks(*masks: Optional[Tensor]) -> Optional[Tensor]:
    return reduce(lambda a, b: b if a is None else a if b is None else a.logical_and(b), masks, None)
