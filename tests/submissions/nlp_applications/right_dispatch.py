import torch
from torch import Tensor


def _padding(lengths: Tensor) -> Tensor:
    return torch.arange(int(lengths.max().item()), device=lengths.device).lt(lengths.unsqueeze(-1)).unsqueeze(-2)


def _classification(src, tgt):
    return _padding(src)


def _generation(src, tgt):
    pad = _padding(src)
    n = pad.size(-1)
    return torch.ones(n, n, dtype=torch.bool, device=src.device).tril().logical_and(pad)


def _translation(src, tgt):
    if tgt is None:
        raise ValueError("tgt_lengths is required for translation")
    return _padding(src).repeat(1, int(tgt.max().item()), 1)


TASKS = {"classification": _classification, "generation": _generation, "translation": _translation}


def mask_for(task: str, src_lengths: Tensor, tgt_lengths: Tensor | None = None) -> Tensor:
    if task not in TASKS:
        raise ValueError(f"task must be one of {sorted(TASKS)}")
    return TASKS[task](src_lengths, tgt_lengths)
