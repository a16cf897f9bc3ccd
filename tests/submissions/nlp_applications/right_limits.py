"""One limit a query: key j is seen when j < limit. Index arithmetic and expand, no copies."""
import torch
from torch import Tensor


def mask_for(task: str, src_lengths: Tensor, tgt_lengths: Tensor | None = None) -> Tensor:
    batch, longest = src_lengths.numel(), int(src_lengths.max())
    keys = torch.arange(longest, device=src_lengths.device)
    limit = src_lengths.reshape(batch, 1)
    match task:
        case "classification":
            pass
        case "generation":
            limit = torch.minimum(limit, keys + 1)
        case "translation":
            if tgt_lengths is None:
                raise ValueError("tgt_lengths is missing")
            limit = limit.expand(batch, int(tgt_lengths.max()))
        case _:
            raise ValueError(task)
    return torch.lt(keys, limit.unsqueeze(-1))
