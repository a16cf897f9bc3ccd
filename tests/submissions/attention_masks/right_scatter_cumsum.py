import torch


def padding_mask(lengths, max_len=None):
    S = int(lengths.max()) if max_len is None else int(max_len)
    marks = torch.zeros(lengths.shape[0], S + 1, dtype=torch.int32, device=lengths.device)
    marks.scatter_(1, lengths.to(torch.int64)[:, None], 1)  # one mark where the padding begins
    return (marks.cumsum(1)[:, :S] == 0)[:, None]


def causal_mask(L, S=None, device=None):
    S = L if S is None else S
    return torch.ones((L, S), dtype=torch.bool, device=device).tril(diagonal=S - L)


def combine_masks(*masks):
    present = list(filter(lambda m: m is not None, masks))
    return torch.stack(torch.broadcast_tensors(*present)).all(dim=0) if present else None
