# family: dtype
# mistake: the causal mask is a float matrix of ones and zeros.
import torch


def padding_mask(lengths, max_len=None):
    S = max_len or int(lengths.max())
    return (torch.arange(S, device=lengths.device)[None, :] < lengths[:, None]).unsqueeze(1)


def causal_mask(L, S=None, device=None):
    return torch.ones(L, L if S is None else S, device=device).tril(0 if S is None else S - L)


def combine_masks(*masks):
    out = None
    for m in masks:
        if m is not None:
            out = m if out is None else torch.logical_and(out, m)
    return out
