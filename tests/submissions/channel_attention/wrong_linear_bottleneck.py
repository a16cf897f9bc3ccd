# family: numerics
# mistake: There is no non-linearity between squeeze and excite.
from torch import nn


class ChannelAttention(nn.Module):
    def __init__(self, channels, reduction=8):
        super().__init__()
        hidden = channels // reduction
        if hidden < 1:
            raise ValueError("reduction leaves no channel")
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.squeeze = nn.Conv2d(channels, hidden, 1)
        self.excite = nn.Conv2d(hidden, channels, 1)

    def forward(self, x):
        return self.excite(self.squeeze(self.pool(x))).sigmoid() * x
