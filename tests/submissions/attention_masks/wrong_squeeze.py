# family: shape
# mistake: combine_masks squeezes the result, which loses the axes of size 1 (batch 1, or the padding mask's query axis).
import torch


def padding_mask(lengths, max_len=None):
    S = int(lengths.max()) if max_len is None else max_len
    return (torch.arange(S, device=lengths.device) < lengths[:, None])[:, None]


def causal_mask(L, S=None, device=None):
    S = L if S is None else S
    return torch.ones(L, S, dtype=torch.bool, device=device).tril(S - L)


def combine_masks(*masks):
    masks = [m for m in masks if m is not None]
    if not masks:
        return None
    result = masks[0]
    for mask in masks[1:]:
        result = result & mask
    return result.squeeze()
