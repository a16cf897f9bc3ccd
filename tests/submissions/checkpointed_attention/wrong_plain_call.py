# family: resources
# mistake: just calls fn, so every intermediate is kept for backward
import torch


def checkpointed(fn, *inputs):
    with torch.enable_grad():
        return fn(*inputs)
