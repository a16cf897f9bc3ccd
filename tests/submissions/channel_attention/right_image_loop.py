"""Image by image, channel by channel, lists of tensors."""
import torch
import torch.nn.functional as F
from torch import nn


def gate_of(image, squeeze, excite):
    """image (C, H, W) -> gates (C,)"""
    means = torch.stack([channel.mean() for channel in image])
    small = F.linear(means, squeeze.weight.flatten(1), squeeze.bias).clamp_min(0)
    return 0.5 * (1 + torch.tanh(F.linear(small, excite.weight.flatten(1), excite.bias) / 2))


class ChannelAttention(nn.Module):
    def __init__(self, channels, reduction=8):
        if not channels // reduction:
            raise ValueError("reduction leaves no channel")
        super().__init__()
        self.channels, self.reduction = channels, reduction
        self.squeeze = nn.Conv2d(channels, channels // reduction, 1)
        self.excite = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x):
        return torch.stack([image * gate_of(image, self.squeeze, self.excite)[:, None, None] for image in x])
