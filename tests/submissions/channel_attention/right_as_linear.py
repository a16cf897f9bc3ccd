import torch
import torch.nn as nn
import torch.nn.functional as F


class ChannelAttention(nn.Module):
    def __init__(self, channels, reduction=8):
        super().__init__()
        if reduction < 1 or channels < reduction:
            raise ValueError("channels // reduction must be at least 1")
        self.squeeze = nn.Conv2d(channels, channels // reduction, kernel_size=1)
        self.excite = nn.Conv2d(channels // reduction, channels, kernel_size=1)

    def forward(self, x):
        pooled = x.flatten(2).mean(-1)
        h = F.linear(pooled, self.squeeze.weight.flatten(1), self.squeeze.bias).clamp(min=0)
        g = F.linear(h, self.excite.weight.flatten(1), self.excite.bias)
        return torch.einsum("bchw,bc->bchw", x, 1 / (1 + torch.exp(-g)))
