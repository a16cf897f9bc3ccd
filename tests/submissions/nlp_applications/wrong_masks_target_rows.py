# family: masking
# mistake: The rows of padded target positions are masked too, though every target row should see the source.
import torch


def mask_for(task, src_lengths, tgt_lengths=None):
    S = int(src_lengths.max())
    pad = torch.arange(S, device=src_lengths.device)[None, None] < src_lengths[:, None, None]
    if task == "classification":
        return pad
    if task == "generation":
        return pad & torch.ones(S, S, dtype=torch.bool, device=pad.device).tril()
    if task == "translation":
        if tgt_lengths is None:
            raise ValueError("tgt_lengths missing")
        T = int(tgt_lengths.max())
        rows = torch.arange(T, device=tgt_lengths.device)[None, :, None] < tgt_lengths[:, None, None]
        return pad & rows
    raise ValueError(task)
