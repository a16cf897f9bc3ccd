import torch


def padding_mask(lengths, max_len=None):
    numbers = lengths.tolist()
    width = max(numbers) if max_len is None else max_len
    rows = []
    for n in numbers:
        rows.append(torch.tensor([True] * n + [False] * (width - n), dtype=torch.bool, device=lengths.device).reshape(1, width))
    return torch.stack(rows)


def causal_mask(L, S=None, device=None):
    if S is None:
        S = L
    mask = torch.zeros(L, S, dtype=torch.bool, device=device)
    for i in range(L):
        end = i + (S - L) + 1
        if end > 0:
            mask[i, :end] = True
    return mask


def combine_masks(*masks):
    hidden = None
    for mask in masks:
        if mask is None:
            continue
        hidden = ~mask if hidden is None else hidden | ~mask
    return None if hidden is None else ~hidden
