"""The padding by a cumulative sum over end marks; a table of functions, one a task."""
import torch


def _real(lengths):
    width = lengths.max().item()
    ends = torch.zeros(len(lengths), width + 1, dtype=torch.int64, device=lengths.device)
    ends = ends.scatter(1, lengths.unsqueeze(1), 1)
    return ends.cumsum(1)[:, None, :width].eq(0)


def _generation(src, _):
    real = _real(src)
    size = real.shape[-1]
    rows, columns = torch.tril_indices(size, size, device=src.device)
    causal = torch.zeros(size, size, dtype=torch.bool, device=src.device)
    causal[rows, columns] = True
    return torch.logical_and(real, causal)


def _translation(src, tgt):
    if tgt is None:
        raise ValueError("translation needs the targets' lengths")
    return _real(src).repeat(1, tgt.amax().item(), 1)


_TASKS = {"classification": lambda src, _: _real(src), "generation": _generation, "translation": _translation}


def mask_for(task, src_lengths, tgt_lengths=None):
    try:
        build = _TASKS[task]
    except KeyError:
        raise ValueError(f"task must be one of {sorted(_TASKS)}") from None
    return build(src_lengths, tgt_lengths)
