import torch


def padding_mask(lengths, max_len=None):
    S = max_len or int(lengths.max())
    return (torch.arange(S, device=lengths.device) < lengths[:, None])[:, None, :]


def causal_mask(L, S=None, device=None):
    S = L if S is None else S
    i = torch.arange(L, device=device)[:, None]
    j = torch.arange(S, device=device)[None, :]
    return j <= i + (S - L)


def combine_masks(*masks):
    out = None
    for m in masks:
        if m is not None:
            out = m if out is None else out & m
    return out
