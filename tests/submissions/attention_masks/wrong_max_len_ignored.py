# family: shape
# mistake: max_len is accepted and never used.
import torch


def padding_mask(lengths, max_len=None):
    columns = torch.arange(int(lengths.max()), device=lengths.device)
    return columns.view(1, 1, -1) < lengths.view(-1, 1, 1)


def causal_mask(L, S=None, device=None):
    S = L if S is None else S
    return torch.ones(L, S, dtype=torch.bool, device=device).tril(S - L)


def combine_masks(*masks):
    out = None
    for m in masks:
        if m is not None:
            out = m if out is None else out & m
    return out
