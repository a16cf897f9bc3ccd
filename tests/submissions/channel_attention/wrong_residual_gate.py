# family: scaling, numerics
# mistake: The gate is added to the input where it should multiply it.
import torch
from torch import nn


class ChannelAttention(nn.Module):
    def __init__(self, channels, reduction=8):
        super().__init__()
        hidden = channels // reduction
        if hidden < 1:
            raise ValueError("reduction leaves no channel")
        self.squeeze = nn.Conv2d(channels, hidden, 1)
        self.excite = nn.Conv2d(hidden, channels, 1)

    def forward(self, x):
        pooled = nn.functional.avg_pool2d(x, x.shape[-2:])
        gate = torch.sigmoid(self.excite(torch.relu(self.squeeze(pooled))))
        return torch.add(x, gate)
