import torch


def mask_for(task, src_lengths, tgt_lengths=None):
    longest = int(src_lengths.max())
    pos = torch.arange(longest, device=src_lengths.device)
    src = (pos[None, :] < src_lengths[:, None]).unsqueeze(1)
    if task == "classification":
        return src
    if task == "generation":
        return src & (pos[None, :] <= pos[:, None])
    if task == "translation":
        if tgt_lengths is None:
            raise ValueError("translation needs tgt_lengths")
        return src.expand(-1, int(tgt_lengths.max()), -1)
    raise ValueError(f"unknown task {task!r}")
