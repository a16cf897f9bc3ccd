import torch


def mask_for(task, src_lengths, tgt_lengths=None):
    src = [int(n) for n in src_lengths]
    B, S = len(src), max(src)
    if task == "classification":
        rows = 1
    elif task == "generation":
        rows = S
    elif task == "translation" and tgt_lengths is not None:
        rows = max(int(n) for n in tgt_lengths)
    else:
        raise ValueError(task)
    mask = torch.zeros(B, rows, S, dtype=torch.bool)
    for b in range(B):
        for i in range(rows):
            last = min(src[b], i + 1) if task == "generation" else src[b]
            mask[b, i, :last] = True
    return mask
