# family: masking
# mistake: The generation mask is causal only: padding is left visible.
import torch


def mask_for(task, src_lengths, tgt_lengths=None):
    B, S = len(src_lengths), int(src_lengths.max())
    pad = torch.arange(S, device=src_lengths.device)[None, None] < src_lengths[:, None, None]
    if task == "classification":
        return pad
    if task == "generation":
        return torch.ones(S, S, dtype=torch.bool, device=pad.device).tril().expand(B, S, S)
    if task == "translation":
        if tgt_lengths is None:
            raise ValueError("tgt_lengths missing")
        return pad.expand(-1, int(tgt_lengths.max()), S)
    raise ValueError(task)
