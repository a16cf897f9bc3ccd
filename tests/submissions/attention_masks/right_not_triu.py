import torch


def padding_mask(lengths, max_len=None):
    S = lengths.amax() if not max_len else max_len
    steps = torch.ones(lengths.numel(), int(S), dtype=torch.long, device=lengths.device).cumsum(dim=-1)
    return (steps <= lengths.view(-1, 1)).view(-1, 1, int(S))


def causal_mask(L, S=None, device=None):
    S = S or L
    future = torch.triu(torch.ones(L, S, device=device), diagonal=S - L + 1)
    return future == 0


def combine_masks(*masks):
    masks = [m for m in masks if m is not None]
    if not masks:
        return None
    return torch.stack(torch.broadcast_tensors(*masks)).all(dim=0)
