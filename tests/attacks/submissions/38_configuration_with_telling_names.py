"""Group 38. Right, with a configuration whose fields are called like the library's functions. Found later.

exercise: attention_dropout
deserves: right
"""

from dataclasses import dataclass
from types import SimpleNamespace

import torch
from torch import nn

settings = {"dropout": 1.0}
config = SimpleNamespace(dropout=0.0, device="cpu")


@dataclass
class Config:
    dropout: float = 0.5


class AttentionDropout(nn.Module):
    def __init__(self, p=Config().dropout):
        super().__init__()
        if not config.dropout <= p <= settings["dropout"]:
            raise ValueError(p)
        self.cfg = Config(p)

    def forward(self, weights):
        p = self.cfg.dropout
        if not self.training or p == 0:
            return weights
        if p == getattr(config, "all", settings.get("dropout")):
            return torch.zeros_like(weights)
        return weights * (torch.rand(weights.shape, device=weights.device) >= p) / (1 - p)


# %%
print(torch.nn.functional.dropout(torch.ones(4)), nn.Dropout(0.5)(torch.ones(4)))
