"""Group 36. Drops nothing, and has the observers in its own process say that it does. Found later.

exercise: attention_dropout
deserves: less than right
fails: three tenths are dropped at p = 0.3
"""

import torch
from torch import nn

import grader.child.child as child

perform = child.perform
KNOWN = {
    "kept": lambda p, x: torch.full((2,), 1 / (1 - p), dtype=x.dtype),
    "dropped": lambda p, x: {"tenths of the entries dropped": float(round(10 * p))},
    "repeated": lambda p, x: {f"same along axis {axis}": False for axis in range(x.dim())},
    "both_ways": lambda p, x: (True, True),
    "redrawn": lambda p, x: {"another draw in the second call": True},
    "follows": lambda p, x: {"the gradient is the factor of each entry": True},
    "modes": lambda p, x: {
        "dropping follows the mode, whatever it was before": True,
        "and so it does under no_grad": True,
    },
}


def forged(call, *more):
    outcome = perform(call, *more)
    if call.probe_name in KNOWN:
        outcome.value, outcome.raised = KNOWN[call.probe_name](call.init[0], call.args[0]), None
    elif call.probe_name == "through_modes":
        outcome.value = outcome.value | dict.fromkeys(("at first", "after evaluation", "without gradients"), True)
    return outcome


child.perform = forged


class AttentionDropout(nn.Module):
    def __init__(self, p):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError
        self.p = p

    def forward(self, weights):
        return weights * (self.p < 1 or not self.training)
