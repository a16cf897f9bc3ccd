# family: normalization
# mistake: The gates compete in a softmax over the channels instead of each having its sigmoid.
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
        z = self.excite(self.squeeze(x.mean((2, 3), keepdim=True)).clamp_min(0))
        return x * nn.functional.softmax(z, dim=-3)
