import torch


def padding_mask(lengths, max_len=None):
    sizes = lengths.tolist()
    total = max_len or max(sizes)
    mask = torch.zeros(len(sizes), 1, total, dtype=torch.bool)
    for b, n in enumerate(sizes):
        mask[b, 0, :n] = True
    return mask.to(lengths.device)


def causal_mask(L, S=None, device=None):
    if S is None:
        S = L
    rows = [[j <= i + S - L for j in range(S)] for i in range(L)]
    return torch.tensor(rows, dtype=torch.bool, device=device).reshape(L, S)


def combine_masks(*masks):
    masks = list(filter(lambda m: m is not None, masks))
    if len(masks) == 0:
        return None
    result = masks[0].clone()
    for m in masks[1:]:
        result = result * m
    return result
