# family: rules
# mistake: calls torch.utils.checkpoint
from torch.utils.checkpoint import checkpoint


def checkpointed(fn, *inputs):
    return checkpoint(fn, *inputs, use_reentrant=False)
