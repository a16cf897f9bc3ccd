# family: state
# mistake: combine_masks writes the result into the caller's first mask when the shapes allow it.
import torch


def padding_mask(lengths, max_len=None):
    S = max_len or int(lengths.max())
    return (torch.arange(S, device=lengths.device)[None, :] < lengths[:, None]).unsqueeze(1)


def causal_mask(L, S=None, device=None):
    S = L if S is None else S
    return torch.ones(L, S, dtype=torch.bool, device=device).tril(S - L)


def combine_masks(*masks):
    out = None
    for m in masks:
        if m is None:
            continue
        if out is None:
            out = m
        elif torch.broadcast_shapes(out.shape, m.shape) == out.shape:
            out &= m
        else:
            out = out & m
    return out
