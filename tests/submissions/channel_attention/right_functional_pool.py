"""adaptive_avg_pool2d, functional convolutions, the gates as a separate method."""
import torch
from torch import nn
from torch.nn import functional as F


class ChannelAttention(nn.Module):
    def __init__(self, channels, reduction=8):
        super().__init__()
        bottleneck = channels // reduction
        if bottleneck == 0:
            raise ValueError(channels, reduction)
        self.squeeze, self.excite = nn.Conv2d(channels, bottleneck, 1), nn.Conv2d(bottleneck, channels, 1)

    def gates(self, x):
        pooled = F.adaptive_avg_pool2d(x, 1)
        pooled = F.conv2d(pooled, self.squeeze.weight, self.squeeze.bias).relu_()
        return F.conv2d(pooled, self.excite.weight, self.excite.bias).sigmoid_()

    def forward(self, x):
        return x.mul(self.gates(x))
