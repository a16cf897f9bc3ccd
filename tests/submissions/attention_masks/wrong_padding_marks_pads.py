# family: masking
# mistake: the padding mask is True on the padding.
import torch


def padding_mask(lengths, max_len=None):
    S = max_len or int(lengths.max())
    return (torch.arange(S, device=lengths.device)[None, :] >= lengths[:, None]).unsqueeze(1)


def causal_mask(L, S=None, device=None):
    S = L if S is None else S
    return torch.ones(L, S, dtype=torch.bool, device=device).tril(S - L)


def combine_masks(*masks):
    out = None
    for m in masks:
        if m is not None:
            out = m if out is None else out & m
    return out
