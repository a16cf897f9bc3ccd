# family: interface
# mistake: An unknown task falls through to the translation mask instead of raising.
import torch


def mask_for(task, src_lengths, tgt_lengths=None):
    S = int(src_lengths.max())
    pad = torch.arange(S, device=src_lengths.device)[None, None] < src_lengths[:, None, None]
    if task == "classification":
        return pad
    if task == "generation":
        return pad & torch.ones(S, S, dtype=torch.bool, device=pad.device).tril()
    if tgt_lengths is None:
        raise ValueError("tgt_lengths missing")
    return pad.expand(-1, int(tgt_lengths.max()), S)
