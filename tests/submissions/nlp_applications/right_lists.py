"""Plain Python lists, one entry after another."""
import torch


def mask_for(task, src_lengths, tgt_lengths=None):
    lengths = [int(n) for n in src_lengths]
    S = max(lengths)
    if task == "classification":
        rows = [[[j < n for j in range(S)]] for n in lengths]
    elif task == "generation":
        rows = [[[j < n and j <= i for j in range(S)] for i in range(S)] for n in lengths]
    elif task == "translation" and tgt_lengths is not None:
        rows = [[[j < n for j in range(S)] for _ in range(max(tgt_lengths.tolist()))] for n in lengths]
    elif task == "translation":
        raise ValueError("translation needs tgt_lengths")
    else:
        raise ValueError(f"unknown task {task!r}")
    return torch.tensor(rows, dtype=torch.bool, device=src_lengths.device)
