# family: interface, masking
# mistake: one None among the masks makes the whole result None.
import torch


def padding_mask(lengths, max_len=None):
    S = max_len or int(lengths.max())
    return (torch.arange(S, device=lengths.device)[None, :] < lengths[:, None]).unsqueeze(1)


def causal_mask(L, S=None, device=None):
    S = L if S is None else S
    return torch.ones(L, S, dtype=torch.bool, device=device).tril(S - L)


def combine_masks(*masks):
    if not masks or any(m is None for m in masks):
        return None
    out = masks[0]
    for m in masks[1:]:
        out = out & m
    return out
