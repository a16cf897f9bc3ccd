import torch
import torch.nn.functional as F
from torch import nn


class ChannelAttention(nn.Module):
    def __init__(self, channels, reduction=8):
        super().__init__()
        if channels // reduction < 1:
            raise ValueError(f"reduction {reduction} leaves no channel out of {channels}")
        self.squeeze = nn.Conv2d(channels, channels // reduction, 1)
        self.excite = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x):
        s = F.adaptive_avg_pool2d(x, 1)
        s = F.relu(self.squeeze(s))
        return x * torch.sigmoid(self.excite(s))
