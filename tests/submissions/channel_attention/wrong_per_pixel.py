# family: normalization, shape, numerics
# mistake: The gate is computed per pixel, because nothing is pooled.
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
        h = torch.relu(self.squeeze(x))
        gate = torch.sigmoid(self.excite(h))
        return x * gate
