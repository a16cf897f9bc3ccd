"""Group 37. Subclasses the library's own checkpoint, and calls that. Found later.

exercise: checkpointed_attention
deserves: less than right
fails: written by hand
"""

import torch
import torch.utils.checkpoint as library

Base = library.CheckpointFunction


class Mine(Base):
    pass


def checkpointed(fn, *inputs):
    return Mine.apply(fn, True, *inputs)
