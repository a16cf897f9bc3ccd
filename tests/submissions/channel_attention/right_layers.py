from torch import nn


class ChannelAttention(nn.Module):
    def __init__(self, channels, reduction=8):
        super().__init__()
        if not 1 <= reduction <= channels:
            raise ValueError("reduction must lie between 1 and channels")
        self.pool = nn.AdaptiveAvgPool2d((1, 1))
        self.squeeze = nn.Conv2d(channels, channels // reduction, 1)
        self.relu = nn.ReLU(inplace=True)
        self.excite = nn.Conv2d(channels // reduction, channels, 1)
        self.gate = nn.Sigmoid()

    def forward(self, x):
        y = self.pool(x)
        for layer in (self.squeeze, self.relu, self.excite, self.gate):
            y = layer(y)
        return x.mul(y)
